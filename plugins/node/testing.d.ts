/** Runs a stage in the test's own process, without a host and without a pipeline. It sees what its needs show, and is held against them. */
import type { Body, Definition, Headers, HeadersInit, Kind, Class, Mistake, StageError } from './index.js';

/** A request as a test makes it. */
export interface TestRequest {
  /** Default GET. */
  method?: string;
  /** Default https://upstream.test/. */
  url?: string;
  headers?: HeadersInit;
  body?: Body;
  subject?: string;
  operation?: string;
  labels?: Record<string, string>;
  idempotencyKey?: string;
}

/** A request as the upstream gets it. */
export interface Sent {
  method: string;
  url: string;
  headers: Headers;
  body: Buffer;
  /** The name of the credential that would be attached, and for whom. */
  credential?: string;
  subject?: string;
  /** Why none is. */
  skipped?: string;
}

export interface TestResponse {
  /** Default 200. */
  status?: number;
  headers?: HeadersInit;
  body?: Body;
  stream?: boolean;
}

/** Answers what a stage hands on. A StageError that it throws is what next throws. */
export type Upstream = (request: Sent) => TestResponse | void | Promise<TestResponse | void>;

export interface LogRecord {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  attributes: Record<string, any>;
}

/** What came of a request. */
export interface Outcome {
  status: number;
  headers: Headers;
  body: Buffer;
  text(): string;
  json(): any;
  /** What the caller gets in place of a response. */
  error: StageError | undefined;
  /** Whether the error is a bug of the stage: it threw something that is no StageError. */
  panicked: boolean;
  /** Whether the response is the stage's own. */
  answered: boolean;
  /** What the upstream got. */
  sends: Sent[];
  /** How long the stage waited, in milliseconds; nothing waits in a test. */
  waits: number[];
  /** Names of credentials that the stage said were refused. */
  rejected: string[];
  events: Array<{ name: string; reason: string; text: string }>;
  attempts: number;
  stopped?: string;
  judged?: { kind: Kind | ''; class: Class | ''; message: string };
  logs: LogRecord[];
}

/** What is wrong with a config. */
export class ConfigError extends Error {
  mistakes: Array<Required<Mistake>>;
}

/** A stage under test. */
export interface TestStage {
  /** Records that belong to no request. */
  readonly logs: LogRecord[];
  /** Has the stage work on a request. It fails with an error that names the need which lacks, where the stage does more than it asks for. */
  send(request?: TestRequest, upstream?: Upstream, options?: { signal?: AbortSignal }): Promise<Outcome>;
  /** Tells the stage of the end of a call. */
  end(call?: TestRequest & { status?: number; error?: StageError }): Promise<{ logs: LogRecord[] }>;
  close(): Promise<void>;
}

/** Makes a stage, as a host does. It throws a ConfigError where the config is wrong. */
export function open(definition: Definition, options?: { config?: object; pipeline?: string; stage?: string; dir?: string }): Promise<TestStage>;
