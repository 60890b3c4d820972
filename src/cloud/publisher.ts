/** What the relay needs of the link to the cloud. */
export interface CloudPublisher {
  /**
   * QoS 1. Resolves when the broker has acknowledged. Rejects with GatewayError `cloudGone` when the connection ended
   * first: the message may have arrived.
   */
  publish(topic: string, payload: string): Promise<void>;
}
/** Told by the link: with each connection a new publisher; it is over when `linkDown` is called. */
export interface CloudRelay {
  linkUp(publisher: CloudPublisher): void;
  linkDown(): void;
  /** What has not reached the cloud yet, for health and metrics; `refused`: why the broker took some of it not, lately. */
  backlog(): { readings: number; sinceMs?: number; refused?: string };
}
