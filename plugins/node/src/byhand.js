// What a plugin says to somebody who runs it by hand.
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { plain } from './needs.js';
import { PROTOCOL, SDK } from './wire/wire.js';

const WORDS = ['--help', '-h', 'help', '--version', 'version', 'describe'];

/** byHand answers, and returns the exit code. @param {any} program @param {string[]} args */
export function byHand(program, args, out = process.stdout, err = process.stderr) {
  const [word] = args;
  if (args.length === 0 || (args.length === 1 && ['--help', '-h', 'help'].includes(word))) {
    out.write(help(program));
    return 0;
  }
  if (args.length === 1 && ['--version', 'version'].includes(word)) {
    out.write(`${program.name} ${program.version}, leat ${SDK}\n`);
    return 0;
  }
  if (args.length === 1 && word === 'describe') {
    out.write(`${JSON.stringify(describe(program), null, 2)}\n`);
    return 0;
  }
  const odd = WORDS.includes(word) ? args[1] : word;
  err.write(`${program.name}: unknown argument ${JSON.stringify(odd)}\n  it takes describe, --version or --help; a program that runs pipelines starts it by itself\n`);
  return 2;
}

function describe({ name, version, definitions }) {
  return {
    name, version, sdk: SDK, protocol: PROTOCOL,
    types: definitions.map((d) => ({ name: d.type, ...(d.doc ? { doc: d.doc } : {}), schema: d.schema, needs: plain(d.most), defaults: defaults(d.keys) })),
  };
}

function defaults(keys) {
  const out = {};
  for (const [key, f] of Object.entries(keys)) {
    if (f.default !== undefined) out[key] = f.default;
  }
  return out;
}

function help({ name, version, path, definitions }) {
  const width = Math.max(...definitions.map((d) => d.type.length));
  const types = definitions.map((d) => `  ${d.type.padEnd(width)}  ${d.doc}`.trimEnd()).join('\n');
  const table = /^[A-Za-z0-9_-]+$/.test(name.replace(/^leat-plugin-/, '')) ? name.replace(/^leat-plugin-/, '') : 'mine';
  const { type } = definitions[0];
  return `${name} ${version} is a plugin for leat: a program that runs pipelines starts it, and ends it.

It serves
${types}

To use it, write into pipelines.toml

  [plugins.${table}]
  command = ["node", ${JSON.stringify(path)}]

  [stages.${type}]
  use = "${table}/${type}"

and name ${JSON.stringify(type)} among the stages of a pipeline. The program sees only the environment variables that env = ["NAME"] of its table names.

  node ${path} describe    prints what it serves as JSON: types, JSON Schemas of their configs, needs, defaults
  node ${path} --version   prints its version

To look at it in a debugger: leat plugin dev ${table}
`;
}

/** versionOf returns the version in the package.json that a program belongs to, or "devel". */
export function versionOf(path) {
  try {
    for (let dir = dirname(realpathSync(path)), depth = 0; depth < 8; depth++) {
      try {
        return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).version ?? 'devel';
      } catch (err) {
        if (err.code !== 'ENOENT' || dirname(dir) === dir) return 'devel';
        dir = dirname(dir);
      }
    }
  } catch {
    // a program that is no file has no version
  }
  return 'devel';
}
