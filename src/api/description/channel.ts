/** One channel of the AsyncAPI document: what is sent where, by whom, with an example. */
import type * as v from 'valibot';

export interface Channel {
  /** Unique within its contract. */
  name: string;
  /** An event's name or a topic; `{name}` for what varies. */
  address: string;
  /** Seen from the gateway. */
  direction: 'gateSends' | 'gateReceives';
  summary: string;
  description?: string;
  payload: v.GenericSchema;
  example: unknown;
  /** MQTT alone. */
  retained?: boolean;
}

/** Everything that one kind of peer relies on. */
export interface Contract {
  /** Begins the names of its channels. */
  name: string;
  title: string;
  description: string;
  server: { host: string; protocol: string; protocolVersion?: string; pathname?: string };
  channels: readonly Channel[];
}
