// Writes src/wire/plugin.js, the protocol's messages, anew from the .proto: `npm run generate`. It needs protoc's grammar only, by protobufjs-cli.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const out = new URL('src/wire/plugin.js', import.meta.url).pathname;
const proto = new URL('../proto/leat/plugin/v1/plugin.proto', import.meta.url).pathname;

execFileSync('npx', ['--yes', '-p', 'protobufjs-cli@1.3.3', 'pbjs', '-t', 'static-module', '-w', 'es6', '--es6',
  '--no-create', '--no-verify', '--no-convert', '--no-delimited', '--no-typeurl', '--no-comments', '--no-service', '--force-long', '-r', 'leat',
  '-o', out, proto], { stdio: 'inherit' });

// Node wants the name of the file, and a CommonJS module as a whole.
writeFileSync(out, readFileSync(out, 'utf8').replace('import * as $protobuf from "protobufjs/minimal"', 'import $protobuf from "protobufjs/minimal.js"'));
