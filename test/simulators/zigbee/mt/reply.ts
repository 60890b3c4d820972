/** The synchronous response to a request, and what is to be done after it has gone out, if anything. */
export interface Reply {
  response: Buffer;
  after?: () => void;
}
