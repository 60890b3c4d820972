/**
 * mqtt.js leaves Nagle's algorithm on: a message that follows another one is held back until the gateway's TCP has said
 * that it has the one before. It says so with the acknowledgement of the reading, which waits for the disk, or after
 * 40 ms. A scenario that takes times would take this one; the contract tells authors of add-ons to turn it off.
 */
import { Socket } from 'node:net';
import type { MqttClient } from 'mqtt';

/** For each of its connections, from the moment it is made. */
export function sendAtOnce(client: MqttClient): void {
  const turnOff = () => {
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  };
  client.on('connect', turnOff);
  if (client.connected) turnOff();
}
