/** The other side of the link: hears everything that gateways send, and says what the cloud would say. */
import { connectAsync, type MqttClient } from 'mqtt';
import type { Authority } from './authority.ts';
import { CLOUD_NAME } from './mutual-tls-broker.ts';

export interface Heard {
  topic: string;
  /** As JSON, or the text where it is none. */
  payload: unknown;
  isRetained: boolean;
}

export class CloudCounterpart {
  /** In the order they came. */
  readonly heard: Heard[] = [];
  onHeard: (message: Heard) => void = () => {};
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, { retain }) => {
      const message = { topic, payload: parsed(payload.toString()), isRetained: retain };
      this.heard.push(message);
      this.onHeard(message);
    });
  }

  /** `checksBroker`: false where the broker's certificate is a bad one on purpose. */
  static async connect(
    authority: Authority,
    {
      host = '127.0.0.1',
      port,
      checksBroker = true,
    }: { host?: string; port: number; checksBroker?: boolean },
  ) {
    const { certificate: cert, key } = authority.issue({ commonName: CLOUD_NAME });
    const client = await connectAsync({
      protocol: 'mqtts',
      host,
      port,
      ca: authority.certificate,
      cert,
      key,
      rejectUnauthorized: checksBroker,
      protocolVersion: 5,
      clientId: `counterpart-${process.pid}-${Math.random().toString(36).slice(2)}`,
      clean: false,
      properties: { sessionExpiryInterval: 3_600, receiveMaximum: 1_000 },
      reconnectPeriod: 100,
    });
    client.on('error', () => {});
    const counterpart = new CloudCounterpart(client);
    await client.subscribeAsync('#', { qos: 1 });
    return counterpart;
  }

  /** QoS 1; a payload that is no text is sent as JSON. */
  async send(topic: string, payload: unknown, properties?: { userProperties?: Record<string, string> }) {
    const text = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    await this.#client.publishAsync(topic, text, { qos: 1, ...(properties ? { properties } : {}) });
  }

  on(topic: string): Heard[] {
    return this.heard.filter((message) => message.topic === topic);
  }

  /** Takes nothing more from its connection, as somebody who does not keep up; until `goOn`, or the next connection. */
  holdStill(): void {
    this.#client.stream.pause();
  }

  goOn(): void {
    this.#client.stream.resume();
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
