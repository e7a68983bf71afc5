// The types check what an author writes, and the generated code is that of the protocol as it is now.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import protobuf from 'protobufjs';
import { pb } from '../src/wire/wire.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

test('the types are right', { timeout: 120_000 }, () => {
  const tsc = spawnSync(process.execPath, [here('../node_modules/typescript/bin/tsc'), '--noEmit', '-p', here('types')], { encoding: 'utf8' });
  assert.equal(tsc.status, 0, tsc.stdout + tsc.stderr);
});

test('what the README says of TypeScript builds, and runs', { timeout: 120_000 }, (t) => {
  const readme = readFileSync(here('../README.md'), 'utf8');
  const dir = mkdtempSync(join(tmpdir(), 'leat-node-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const name of ['node_modules/@leatdev', 'node_modules/@types', 'src']) mkdirSync(join(dir, name), { recursive: true });
  symlinkSync(here('..'), join(dir, 'node_modules/@leatdev/plugin'));
  symlinkSync(here('../node_modules/@types/node'), join(dir, 'node_modules/@types/node'));
  writeFileSync(join(dir, 'package.json'), '{ "type": "module", "version": "3.2.1" }');
  writeFileSync(join(dir, 'tsconfig.json'), /`tsconfig.json`[^]*?```json\n([^]*?)```/.exec(readme)[1]);
  writeFileSync(join(dir, 'src/tenant.ts'), /```ts\n\/\/ src\/tenant\.ts\n([^]*?)```/.exec(readme)[1]);
  const tsc = spawnSync(process.execPath, [here('../node_modules/typescript/bin/tsc')], { cwd: dir, encoding: 'utf8' });
  assert.equal(tsc.status, 0, tsc.stdout + tsc.stderr);
  const d = JSON.parse(execFileSync(process.execPath, ['--enable-source-maps', join(dir, 'dist/tenant.js'), 'describe'], { encoding: 'utf8' }));
  assert.deepEqual([d.name, d.version, d.types[0].defaults], ['tenant', '3.2.1', { header: 'x-tenant' }]);
});

for (const name of ['index', 'testing']) {
  test(`${name}.d.ts declares what ${name}.js exports`, async () => {
    const text = readFileSync(here(`../${name}.d.ts`), 'utf8');
    const declared = new Set([...text.matchAll(/^export (?:function|class|const) (\w+)/gm)].map((m) => m[1]));
    assert.deepEqual([...declared].sort(), Object.keys(await import(`../src/${name}.js`)).sort());
  });
}

test('the generated code is that of the .proto: npm run generate', () => {
  const { root } = protobuf.parse(readFileSync(here('../../proto/leat/plugin/v1/plugin.proto'), 'utf8'));
  const types = root.lookup('leat.plugin.v1').nestedArray.filter((x) => x instanceof protobuf.Type);
  assert.ok(types.length > 30);
  root.resolveAll();
  for (const type of types) {
    assert.ok(pb[type.name], `${type.name} is missing`);
    const value = sample(type, 0);
    const bytes = Buffer.from(pb[type.name].encode(value).finish());
    assert.ok(bytes.equals(Buffer.from(type.encode(value).finish())), `${type.name} is encoded otherwise`);
  }
});

/** sample sets every field of a message. */
function sample(type, depth) {
  const out = {};
  for (const f of type.fieldsArray) {
    if (depth > 3 && f.resolvedType instanceof protobuf.Type) continue;
    const one = f.resolvedType instanceof protobuf.Type ? sample(f.resolvedType, depth + 1) : f.resolvedType ? 1 : f.type === 'string' ? f.name : f.type === 'bytes' ? Buffer.from(f.name) : f.type === 'bool' ? true : f.id;
    out[f.name] = f.map ? { k: 'v' } : f.repeated ? [one] : one;
  }
  return out;
}
