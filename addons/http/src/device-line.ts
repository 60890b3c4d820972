/** The line to one device: requests at its address, with its login and its trust, and to nowhere else. */
import { AddonError, type JsonValue } from '@gate/addon-sdk';
import type { DeviceAccess } from './device-setting.ts';
import { bodyOf, type ExchangeAnswer, isSuccess } from './exchange-answer.ts';
import type { Ask, FamilyRequest } from './families/family.ts';
import type { HttpExchange } from './http-exchange.ts';
import { placeOf, refusal } from './http-failure.ts';

export interface LineLimits {
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  /** Keep the connection: for what is asked again soon and may be asked twice. */
  reuse?: boolean;
}

export class DeviceLine {
  readonly #exchange: HttpExchange;
  readonly #access: DeviceAccess;

  constructor(exchange: HttpExchange, access: DeviceAccess) {
    this.#exchange = exchange;
    this.#access = access;
  }

  /** For people. */
  get place(): string {
    return placeOf(this.#access.address);
  }

  /** Throws as `HttpExchange.ask`. */
  ask(request: FamilyRequest, limits: LineLimits): Promise<ExchangeAnswer> {
    const { address, login, trust } = this.#access;
    return this.#exchange.ask(address, { ...request, ...limits, login, trust });
  }

  /** For reading a family's device; `answered` hears when each answer came. */
  reading(limits: () => LineLimits, answered: (ts: number) => void = () => undefined): Ask {
    return async (request) => {
      const answer = await this.ask(request, limits());
      answered(answer.ts);
      return bodyOf(answer);
    };
  }

  /** A request that tells the device something. @throws AddonError deviceRefused with the device's own words */
  async tell(request: FamilyRequest, limits: LineLimits): Promise<ExchangeAnswer> {
    const answer = await this.ask(request, limits);
    if (!isSuccess(answer)) throw refusal('deviceRefused', answer);
    return answer;
  }
}

/** Another device has the address now. */
export function otherDevice(
  place: string,
  { wanted, found }: { wanted: string; found: JsonValue },
): AddonError {
  return new AddonError(
    'otherDevice',
    `another device (${String(found)}) answers at ${place}, not ${wanted}`,
    {
      hint: 'it is looked for in the network; where it announces itself it is found again, else pair it anew',
    },
  );
}
