import { GatewayError } from '../model/error.ts';

/** There is no gateway that could be asked: none runs, it may not be opened, or it does not answer. */
export class NoGatewayError extends GatewayError {}
