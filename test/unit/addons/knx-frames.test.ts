import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatGroupAddress,
  formatIndividualAddress,
  parseGroupAddress,
  parseIndividualAddress,
} from '../../../addons/knx/src/wire/address.ts';
import { decodeCemi, encodeCemi } from '../../../addons/knx/src/wire/cemi.ts';
import {
  connectRequest,
  decodeFrame,
  encodeEndpoint,
  parseChannelStatus,
  parseConnectAnswer,
  parseNumbered,
  tunnellingAck,
  tunnellingRequest,
} from '../../../addons/knx/src/wire/ip-frame.ts';
import { parseSearchResponse } from '../../../addons/knx/src/wire/search.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('KNX addresses', () => {
  it('are read in three levels, two and one', () => {
    assert.equal(parseGroupAddress('1/2/3'), 0x0a03);
    assert.equal(parseGroupAddress('1/515'), 0x0a03);
    assert.equal(parseGroupAddress('2563'), 0x0a03);
    assert.equal(formatGroupAddress(0xffff), '31/7/255');
    assert.equal(formatIndividualAddress(parseIndividualAddress('1.1.10')), '1.1.10');
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (address) => {
        assert.equal(parseGroupAddress(formatGroupAddress(address)), address);
        assert.equal(parseIndividualAddress(formatIndividualAddress(address)), address);
      }),
    );
  });

  it('are refused, with how they are written, when they are none', () => {
    for (const wrong of [
      '0/0/0',
      '0',
      '32/0/0',
      '1/8/0',
      '1/0/256',
      '1/2048',
      '65536',
      '1/2/3/4',
      '1.2.3',
      '',
      'a',
      5,
      null,
    ]) {
      assert.throws(() => parseGroupAddress(wrong), { code: 'badRequest', hint: /1\/2\/3/ }, String(wrong));
    }
    for (const wrong of ['16.0.0', '1.16.0', '1.1.256', '1/1/1', '1.1', '', 5, null]) {
      assert.throws(() => parseIndividualAddress(wrong), { code: 'badRequest' }, String(wrong));
    }
  });
});

describe('KNXnet/IP frames', () => {
  // octet by octet as 03_08_02 and 03_08_04 have them
  it('ask for a tunnel, and for a certain one', () => {
    const endpoint = encodeEndpoint({ host: '192.168.1.10', port: 50_000 }, 'udp');
    const twice = '08 01 c0a8010a c350 08 01 c0a8010a c350';
    assert.deepEqual(connectRequest(endpoint), hex(`06 10 0205 001a ${twice} 04 04 02 00`));
    assert.deepEqual(connectRequest(endpoint, 0x110a), hex(`06 10 0205 001c ${twice} 06 04 02 00 110a`));
  });

  it('carry numbered telegrams and their acknowledgements', () => {
    const cemi = hex('11 00 bc e0 0000 0a03 01 00 81');
    assert.deepEqual(
      encodeCemi('request', {
        service: 'write',
        source: 0,
        destination: 0x0a03,
        value: { short: true, bytes: Buffer.of(1) },
      }),
      cemi,
    );
    assert.deepEqual(
      tunnellingRequest(7, 255, cemi),
      hex('06 10 0420 0015 04 07 ff 00 1100bce000000a03010081'),
    );
    assert.deepEqual(tunnellingAck(7, 255), hex('06 10 0421 000a 04 07 ff 00'));
    assert.deepEqual(parseNumbered(hex('04 07 05 21')), {
      channel: 7,
      sequence: 5,
      status: 0x21,
      payload: Buffer.alloc(0),
    });
  });

  it('say which tunnel was given, or why none', () => {
    assert.deepEqual(parseConnectAnswer(hex('15 00 08 01 7f000001 0e57 04 04 1103')), {
      channel: 0x15,
      status: 0,
      endpoint: { host: '127.0.0.1', port: 3_671 },
      individualAddress: 0x1103,
    });
    assert.equal(parseConnectAnswer(hex('00 24'))?.status, 0x24);
    assert.equal(parseConnectAnswer(hex('15 00 08')), undefined);
  });

  it('tell what a server offers', () => {
    const name = Buffer.alloc(30);
    name.write('Interface');
    const device = Buffer.concat([hex('36 01 02 00 110a 0000 000000000001 e000170c 000000000001'), name]);
    const services = hex('0a 02 02 02 04 02 05 01 09 01');
    const body = Buffer.concat([hex('08 01 c0a80105 0e57'), device, services]);
    assert.deepEqual(parseSearchResponse(body), {
      endpoint: { host: '192.168.1.5', port: 3_671 },
      name: 'Interface',
      individualAddress: 0x110a,
      services: ['tunnelling', 'routing', 'secure'],
      coreVersion: 2,
    });
  });
});

describe('group telegrams', () => {
  it('come back as they went out', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 63 }).map((bits) => ({ short: true, bytes: Buffer.of(bits) })),
      fc
        .uint8Array({ minLength: 1, maxLength: 14 })
        .map((bytes) => ({ short: false, bytes: Buffer.from(bytes) })),
    );
    const telegram = fc.record({
      service: fc.constantFrom('write' as const, 'response' as const),
      source: fc.integer({ min: 0, max: 65_535 }),
      destination: fc.integer({ min: 1, max: 65_535 }),
      value,
    });
    fc.assert(
      fc.property(telegram, (sent) => {
        const message = decodeCemi(encodeCemi('indication', sent));
        assert.deepEqual(message, { ...sent, kind: 'indication', negative: false });
      }),
    );
  });

  it('are read behind additional information, and negative confirmations are seen', () => {
    assert.equal(decodeCemi(hex('29 02 0300 bc e0 1105 0a03 01 00 81'))?.source, 0x1105);
    assert.equal(decodeCemi(hex('2e 00 bd e0 1105 0a03 01 00 81'))?.negative, true);
    assert.equal(decodeCemi(hex('2e 00 bc e0 1105 0a03 01 00 81'))?.negative, false);
  });

  it('are not seen in what is none: to one device, the broadcast, another service, another length', () => {
    for (const other of [
      '29 00 bc 60 1105 0a03 01 00 81',
      '29 00 bc e0 1105 0000 01 00 81',
      '29 00 bc e0 1105 0a03 01 03 00',
      '29 00 bc e0 1105 0a03 02 00 81',
      '29 00 bc e0 1105 0a03 01 00 81 00',
      '29 ff bc e0 1105 0a03 01 00 81',
      '2b 00 bc e0 1105 0a03 01 00 81',
      '29',
      '',
    ]) {
      assert.equal(decodeCemi(hex(other)), undefined, other);
    }
  });

  it('and frames never throw, whatever arrives', () => {
    const header = fc
      .tuple(fc.constantFrom(0x0202, 0x0206, 0x0420, 0x0421, 0x0208), fc.uint8Array({ maxLength: 80 }))
      .map(([service, body]) =>
        Buffer.concat([Buffer.of(6, 0x10, service >> 8, service & 255, 0, body.length + 6), body]),
      );
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 90 }).map((bytes) => Buffer.from(bytes)),
      header,
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const body = decodeFrame(bytes)?.body ?? bytes;
        parseSearchResponse(body);
        parseConnectAnswer(body);
        parseChannelStatus(body);
        decodeCemi(parseNumbered(body)?.payload ?? body);
        decodeCemi(bytes);
      }),
      { numRuns: 5_000 },
    );
  });
});
