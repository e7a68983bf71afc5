/** Stages of leat pipelines in a process of their own. */

/** What a stage sees and changes of the request. The method, the URL without its query and what a call has counted always travel. */
export interface RequestNeeds {
  /** Names of the headers that it reads; "*" is all that hold no credential. */
  headers?: string[];
  /** The URL's query; without it the URL comes without one. */
  query?: boolean;
  /** How it sees the body: not at all, as length and SHA-256, or in full up to body_limit. */
  body?: 'none' | 'digest' | 'full';
  /** The longest body that "full" may send, in bytes; a longer one fails the call. Default 1 MiB. */
  body_limit?: number;
  /** What it changes: names of headers, "*", ":method", ":url", ":body". */
  edit?: string[];
  /** What it knows of the call beside its numbers. */
  call?: Array<'subject' | 'operation' | 'labels' | 'idempotency_key'>;
}

/** What a stage sees and changes of the response. The status always travels. */
export interface ResponseNeeds {
  headers?: string[];
  body?: 'none' | 'digest' | 'full';
  body_limit?: number;
  /** What it changes: names of headers, "*", ":status", ":body". */
  edit?: string[];
}

/** What a stage must see and may do. What it does not ask for is neither sent nor accepted. */
export interface Needs {
  request?: RequestNeeds;
  /** Without it the stage's part is over once it calls next, which costs half a round trip. */
  response?: ResponseNeeds;
  /** It may answer by itself, in place of the upstream. */
  answer?: boolean;
  /** It may call next more than once. */
  retry?: boolean;
  /** Its `ended` is told of the end of every call. */
  calls?: boolean;
  /** Names of the credentials that it may have attached; it never sees one. */
  credentials?: string[];
}

/** One key of a config: a fragment of JSON Schema, with `doc` and `required` beside the key that they are about. */
export interface Fragment {
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  /** What the key is for; people see it. `description` is the same. */
  doc?: string;
  description?: string;
  /** Its value where the file has none. */
  default?: unknown;
  required?: boolean;
  enum?: readonly unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: Fragment;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  /** Keys of a table. */
  properties?: Record<string, Fragment>;
  additionalProperties?: boolean | Fragment;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: Fragment[];
  title?: string;
  examples?: readonly unknown[];
  writeOnly?: boolean;
}

/** A key that holds a secret: the file writes { env = "NAME" } or { file = "path" }, the stage gets a Secret. */
export function secret(options?: Pick<Fragment, 'doc' | 'description' | 'required'>): Fragment;

/** A key that holds a duration, as "1.5s": the stage gets a number of milliseconds. */
export function duration(options?: Pick<Fragment, 'doc' | 'description' | 'required' | 'default'>): Fragment;

/** A reference that the plugin follows in its own environment. It shows itself to nobody: as text, in JSON and in the console it is "[secret]". */
export class Secret {
  private constructor();
  /** The value. A file is read anew each time. It throws a SecretError that says which variable or file is missing. */
  reveal(): string;
}

export class SecretError extends Error {}

/** Header fields by name, in any case. Values are text; bytes that are no UTF-8 stay what they are on the way back. */
export class Headers implements Iterable<[string, string]> {
  constructor(init?: HeadersInit | null);
  /** All values of that name joined by ", ", null if there is none. */
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string): boolean;
  set(name: string, value: string | number | boolean | readonly string[]): this;
  append(name: string, value: string | number | boolean): this;
  delete(name: string): boolean;
  keys(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  readonly size: number;
  clone(): Headers;
  toJSON(): Record<string, string[]>;
}

export type HeadersInit = Record<string, string | readonly string[]> | Iterable<readonly [string, string | readonly string[]]>;
export type Body = string | Uint8Array | ArrayBuffer | null;
export interface Digest {
  length: number;
  sha256: Uint8Array;
}

/** The request as it comes to a stage. It is changed in place, and handed on by next. */
export interface StageRequest {
  method: string;
  /** Absolute; without its query unless the needs have it. Assign a string or a URL. */
  get url(): string;
  set url(url: string | URL);
  /** Where it differs from the URL's, else "". */
  host: string;
  readonly path: string;
  readonly headers: Headers;
  readonly call: Call;
  /** It aborts when the caller has left. Hand it to fetch. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly span: Span;
  /** When the call must be done, undefined if there is no limit. */
  readonly deadline: Date | undefined;
  /** Of the body, in bytes; -1: unknown. */
  readonly length: number;
  /** Whether next may be called again after the body was sent. */
  readonly replayable: boolean;
  /** The body that the stage sets; it is undefined until then: bytes(), text() and json() read the given one. */
  get body(): Uint8Array | undefined;
  set body(body: Body);
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json<T = any>(): Promise<T>;
  digest(): Promise<Digest>;
  /** A copy that can be changed apart, for one of several calls of next. */
  clone(): StageRequest;
}

/** What next gave. It is changed in place, and handed on by returning it. */
export interface StageResponse {
  status: number;
  /** Whether the status is one of 200 to 299. */
  readonly ok: boolean;
  readonly headers: Headers;
  readonly length: number;
  readonly proto: string;
  /** It goes on for as long as its server likes: it can't be read. */
  readonly stream: boolean;
  get body(): Uint8Array | undefined;
  set body(body: Body);
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json<T = any>(): Promise<T>;
  digest(): Promise<Digest>;
  /** Says that it is not needed any more, so that its connection can go on. It can't be returned then. */
  drop(): void;
}

/** A response of a stage's own. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** Makes a response of a stage's own, in place of the upstream's: the needs have answer. */
export function answer(status: number, headers?: HeadersInit, body?: Body): Answer;

/** How a call stands, or ended. */
export interface Outcome {
  /** "" is success. */
  kind: Kind | '';
  class: Class | '';
  message: string;
  problemType: string;
  status: number;
}

/** The call that a request belongs to. Times are milliseconds. */
export interface Call {
  readonly pipeline: string;
  /** On whose behalf; "" unless the needs have it. */
  readonly subject: string;
  readonly operation: string;
  readonly labels: Record<string, string>;
  readonly idempotencyKey: string;
  readonly idempotent: boolean;
  readonly noRetry: boolean;
  readonly skipAuth: boolean;
  /** A stage further out sends again. */
  readonly retryOwned: boolean;
  /** Somebody watches: events are worth their text. */
  readonly observed: boolean;
  readonly hop: number;
  readonly serving: string[];
  /** The call's own timeout, 0 if there is none. */
  readonly timeout: number;
  readonly attempts: number;
  readonly sends: number;
  readonly transportResends: number;
  readonly elapsed: number;
  readonly waiting: number;
  readonly upstream: number;
  readonly outcome: Outcome | undefined;
  readonly stopReason: string;
  /** Has the credential of that name attached to each send from now on: the last link does it, the stage never sees it. */
  attach(name: string, options?: { subject?: string }): void;
  /** Has none attached, and says why in a word. */
  skipCredential(why: string): void;
  /** Says that the upstream refused the credential of that name which the latest send carried: the next send waits for a newer one. */
  reject(name: string): void;
  event(name: string, options?: { reason?: string; text?: string; status?: number; attempt?: number; duration?: number }): void;
  /** Says why nothing more is sent. */
  stop(why: string): void;
  /** Counts one more attempt as begun. */
  attempt(): void;
  /** Says what the stage makes of the response; without a kind it is a success. */
  judge(outcome?: { kind?: Kind | ''; class?: Class | ''; message?: string; problemType?: string }): void;
  /** Says that the call can be sent again, by a key where the server knows one. */
  setIdempotent(key?: string): void;
  /** Waits on the host's clock: the stage's timeout stands still. It throws when the caller leaves. */
  wait(milliseconds: number): Promise<void>;
}

/** A logger whose records go to the host. `attributes` may be an Error. */
export interface Logger {
  debug(message: string, attributes?: object): void;
  info(message: string, attributes?: object): void;
  warn(message: string, attributes?: object): void;
  error(message: string, attributes?: object): void;
  /** Whether anybody wants records of that level. */
  enabled(level: 'debug' | 'info' | 'warn' | 'error'): boolean;
  /** A logger whose records have these attributes, too. */
  with(attributes: object): Logger;
}

/** A span, which the host makes: no exporter is needed here. */
export interface Span {
  /** The W3C trace context, for what the stage itself calls; "" where nobody records. */
  readonly traceparent: string;
  readonly recording: boolean;
  startSpan(name: string, options?: { kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer'; attributes?: object }): Span;
  setAttribute(key: string, value: unknown): this;
  setAttributes(values: object): this;
  addEvent(name: string, attributes?: object): this;
  recordError(error: unknown): this;
  fail(message?: string): this;
  end(): void;
}

export type Kind =
  | 'network' | 'tls' | 'timeout' | 'canceled' | 'unauthorized' | 'client' | 'forbidden' | 'not_found' | 'conflict' | 'rate_limited' | 'server' | 'parse'
  | 'validation' | 'policy' | 'plugin' | 'internal';
export type Class = 'not_sent' | 'refused' | 'unknown' | 'processed' | 'terminal';

export interface ErrorOptions {
  /** Whether sending again may help. Default "terminal". */
  class?: Class;
  reason?: string;
  status?: number;
  headers?: HeadersInit | Headers;
  problemType?: string;
  violations?: string[];
  /** Milliseconds. */
  retryAfter?: number;
  truncated?: boolean;
  cause?: unknown;
}

/** An error that a stage throws so that the program which runs the pipeline can act on it. Anything else that it throws is a bug of it. */
export class StageError extends Error {
  constructor(kind: Kind, message: string, options?: ErrorOptions);
  kind: Kind;
  class: Class;
  reason: string;
  status: number;
  headers: Headers;
  problemType: string;
  violations: string[];
  retryAfter: number;
  truncated: boolean;
  stage: string;
}

/** What next throws where no response came. Thrown again, or as the cause of another, it keeps the cause that the host has. */
export class NextError extends StageError {}

/** What reading a response throws where its body broke off. */
export class BodyError extends StageError {}

/** Hands the request on, and gives the response. It throws a NextError where none came. */
export type Next = (request?: StageRequest) => Promise<StageResponse>;

/** A stage as the file has it. */
export interface Settings<State = any> {
  readonly pipeline: string;
  readonly stage: string;
  readonly credential: string;
  /** Where relative paths of the file start. */
  readonly dir: string;
  /** What it may see and do: what it asks for, as far as the file grants it. Where that is too little, `open` throws. */
  readonly needs: Needs;
  readonly log: Logger;
  /** What the option `open` has made. */
  readonly state: State;
}

/** A call that is over. */
export interface EndedCall {
  readonly call: Call;
  readonly request: { method: string; url: string; headers: Headers };
  /** Of the response, 0 if there was none. */
  readonly status: number;
  readonly error: StageError | undefined;
  readonly traceparent: string;
  readonly log: Logger;
}

export interface Mistake {
  /** "rules[0].match"; "" is the whole table. */
  path?: string;
  message: string;
  /** What to write instead. */
  hint?: string;
  /** The value must not be shown. */
  secret?: boolean;
}

export interface StageOptions<Config = any, State = any> {
  /** One sentence, for people. */
  doc?: string;
  /** What it must see and may do, or a function of the config that says so. Default: request headers that hold no credential. */
  needs?: Needs | ((config: Config) => Needs);
  /** With a function: the most that any config asks for. */
  mostNeeds?: Needs;
  /** The keys that the file may write. */
  config?: Record<string, Fragment>;
  /** Judges what the schema can't. It gets the config with its defaults, and must not read secrets. */
  check?: (config: Config) => Mistake[] | undefined | void;
  /** Runs once for each stage before its first request; what it returns is settings.state. */
  open?: (config: Config, settings: Settings<State>) => State | Promise<State>;
  /** Runs once its last request is over. */
  close?: (settings: Settings<State>) => void | Promise<void>;
  /** Is told of the end of every call of the pipeline: the needs have calls. */
  ended?: (config: Config, ended: EndedCall, settings: Settings<State>) => void | Promise<void>;
}

export type Run<Config = any, State = any> = (
  config: Config,
  request: StageRequest,
  next: Next,
  settings: Settings<State>,
) => Promise<StageResponse | Answer | Response> | StageResponse | Answer | Response;

/** A type of stages. */
export interface Definition {
  readonly type: string;
  readonly doc: string;
  /** The JSON Schema of its config. */
  readonly schema: object;
}

/** Says what a type of stages does; serve serves it. A mistake in it throws a TypeError that says where. */
export function stage<Config = any, State = any>(type: string, options: StageOptions<Config, State>, run: Run<Config, State>): Definition;
export function stage<Config = any>(type: string, run: Run<Config>): Definition;

/** Serves the stages that stage was called for, to the host that has started the program. Run by hand it says what the program is. */
export function serve(options?: { name?: string; version?: string }): void;

/** The logger for what belongs to no stage: its records go to standard error, which the host reads. */
export const log: Logger;
