// The schema of a config, from the plain object that an author writes.
export const DURATION_PATTERN = '^[+-]?([0-9]*\\.?[0-9]+|[0-9]+\\.)(ns|us|µs|μs|ms|s|m|h)|^[+-]?0$';
const HOST_KEYS = ['use', 'when', 'timeout', 'on_failure', 'role'];
const TYPES = ['string', 'integer', 'number', 'boolean', 'array', 'object'];
const KNOWN = [
  'type', 'doc', 'description', 'default', 'required', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength',
  'pattern', 'items', 'minItems', 'maxItems', 'uniqueItems', 'properties', 'additionalProperties', 'minProperties', 'maxProperties', 'anyOf', 'title', 'examples', 'writeOnly',
];
/** Marks a fragment of duration(), whose values become numbers of milliseconds. */
export const DURATION = Symbol('duration');

/** secret is the fragment of a key that holds a secret: the file writes { env = "NAME" } or { file = "path" }. */
export function secret(options = {}) {
  const name = { type: 'string', minLength: 1 };
  return {
    type: 'object', properties: { env: name, file: { ...name } }, additionalProperties: false, minProperties: 1, maxProperties: 1, ...options, writeOnly: true,
  };
}

/** duration is the fragment of a key that holds a duration, as "1.5s"; its value is a number of milliseconds. */
export function duration(options = {}) {
  return { type: 'string', pattern: DURATION_PATTERN, ...options, [DURATION]: true };
}

/** schemaOf makes the schema of a config. What can't be checked throws a TypeError that says where it stands. */
export function schemaOf(config, where) {
  for (const key of HOST_KEYS) {
    if (Object.hasOwn(config, key)) throw new TypeError(`${where}: ${key} is a key of every plugin's stages, and the host's: take another name`);
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...table(config, where) };
}

function table(properties, where) {
  if (typeof properties !== 'object' || properties === null) throw new TypeError(`${where} is no object of keys`);
  const out = { type: 'object', properties: {}, additionalProperties: false };
  const required = [];
  for (const [key, fragment] of Object.entries(properties)) {
    out.properties[key] = fragmentOf(fragment, `${where}.${key}`);
    if (fragment.required === true) required.push(key);
    if (fragment.required === true && fragment.default !== undefined) throw new TypeError(`${where}.${key}: a key with a default is not required`);
  }
  if (required.length > 0) out.required = required;
  return out;
}

function fragmentOf(f, where) {
  if (typeof f !== 'object' || f === null || Array.isArray(f)) throw new TypeError(`${where}: a key is described by an object, as in { type: 'string' }`);
  for (const key of Object.keys(f)) {
    if (!KNOWN.includes(key)) throw new TypeError(`${where}: ${JSON.stringify(key)} can't be checked; what can is ${KNOWN.join(', ')}`);
  }
  if (f.type !== undefined && !TYPES.includes(f.type)) throw new TypeError(`${where}.type: ${JSON.stringify(f.type)} is none of ${TYPES.join(', ')}`);
  if (f.type === undefined && !f.anyOf && !f.enum && f.const === undefined) throw new TypeError(`${where}: it has no type`);
  if (f.multipleOf !== undefined && !(Number.isFinite(f.multipleOf) && f.multipleOf > 0)) throw new TypeError(`${where}.multipleOf is a number above 0`);
  if (f.required !== undefined && typeof f.required !== 'boolean') throw new TypeError(`${where}.required is true or false, beside the key that is required`);
  const { doc, required: _, properties, items, anyOf, ...rest } = f;
  const out = { ...rest };
  delete out[DURATION];
  if (doc !== undefined) out.description = doc;
  if (properties) Object.assign(out, { ...table(properties, where), ...('additionalProperties' in f ? { additionalProperties: f.additionalProperties } : {}) });
  if (f.type === 'object' && typeof f.additionalProperties === 'object') out.additionalProperties = fragmentOf(f.additionalProperties, `${where}.additionalProperties`);
  if (items) out.items = fragmentOf(items, `${where}.items`);
  if (anyOf) out.anyOf = anyOf.map((one, i) => fragmentOf(one, `${where}.anyOf[${i}]`));
  if (f.pattern !== undefined) new RegExp(f.pattern, 'u'); // throws what is wrong with it
  return out;
}
