/** A link of the smallest kind, for what is tested without the real one: a connected client of mqtt.js. */
import type { MqttClient } from 'mqtt';
import type { CloudPublisher } from '../../src/cloud/publisher.ts';

export class MqttPublisher implements CloudPublisher {
  readonly #client: MqttClient;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(client: MqttClient) {
    this.#client = client;
    // at the end of a connection the client tells nothing of what was under way
    client.on('close', () => {
      for (const reject of this.#waiting) reject(new Error('the connection has ended'));
      this.#waiting.clear();
    });
  }

  publish(topic: string, payload: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.#client.publish(topic, payload, { qos: 1 }, (error) => {
        this.#waiting.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
