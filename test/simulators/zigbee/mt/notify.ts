/** Sends the host an asynchronous message. */
export type Notify = (subsystem: number, command: number, data: Buffer) => void;
