/** What a KNXnet/IP server says in a status byte (KNX standard, 03_08_02 Core, 5.1 and 7.8), in words. */
import { AddonError } from '@gate/addon-sdk';

export const STATUS_OK = 0x00;
export const E_CONNECTION_ID = 0x21;
export const E_NO_MORE_CONNECTIONS = 0x24;

interface StatusWords {
  name: string;
  what: string;
  hint: string;
}

const STATUS: Readonly<Record<number, StatusWords>> = {
  [E_CONNECTION_ID]: {
    name: 'E_CONNECTION_ID',
    what: 'it does not know this tunnel any more',
    hint: 'it was restarted or has given the tunnel up: the gateway connects again by itself',
  },
  34: {
    name: 'E_CONNECTION_TYPE',
    what: 'it offers no tunnels',
    hint: 'is it a router only? then set "transport" to "routing"',
  },
  35: {
    name: 'E_CONNECTION_OPTION',
    what: 'it does not take the options asked for',
    hint: 'is it a KNXnet/IP interface for tunnelling?',
  },
  [E_NO_MORE_CONNECTIONS]: {
    name: 'E_NO_MORE_CONNECTIONS',
    what: 'all of its tunnels are taken',
    hint: 'end another client (ETS, a visualisation) or use an interface with more tunnels; one that a lost client holds is free after two minutes',
  },
  37: {
    name: 'E_NO_MORE_UNIQUE_CONNECTIONS',
    what: 'the individual address of the tunnel is taken',
    hint: 'choose another "individual_address", or leave it out',
  },
  38: {
    name: 'E_DATA_CONNECTION',
    what: 'it has a fault in this tunnel',
    hint: 'the gateway connects again by itself',
  },
  39: {
    name: 'E_KNX_CONNECTION',
    what: 'it has no connection to the KNX bus',
    hint: 'is the bus cable plugged in and the bus powered?',
  },
  40: {
    name: 'E_AUTHORISATION_ERROR',
    what: 'it asks for KNX IP Secure, which this add-on does not speak',
    hint: 'allow plain tunnelling in ETS ("Secure Tunnelling": off), or use an interface without KNX IP Secure',
  },
  41: {
    name: 'E_TUNNELLING_LAYER',
    what: 'it offers no tunnels on the link layer',
    hint: 'is a bus monitor of ETS running? it takes the interface for itself',
  },
  45: {
    name: 'E_NO_TUNNELLING_ADDRESS',
    what: 'the individual address asked for is none of its tunnels',
    hint: 'choose one that ETS shows for the interface, or leave "individual_address" out',
  },
  46: {
    name: 'E_CONNECTION_IN_USE',
    what: 'the individual address asked for is in use',
    hint: 'choose another "individual_address", or leave it out',
  },
};

/** What a server without tunnelling version 2 says to an individual address that is asked for. */
const NOT_UNDERSTOOD = [34, 35];

/** The refusal of a tunnel that was asked for, `withAddress`: with an individual address. */
export function tunnelRefusedBy(server: string, status: number, withAddress: boolean): AddonError {
  if (!withAddress || !NOT_UNDERSTOOD.includes(status)) return refusedBy(server, status);
  const what = `it gives no choice of the tunnel's individual address (${STATUS[status]?.name})`;
  return new AddonError('noLink', `the KNXnet/IP server ${server}: ${what}`, {
    hint: 'leave "individual_address" out of the parameters: older interfaces give it themselves',
  });
}

/** The refusal of a server as a person reads it. */
export function refusedBy(server: string, status: number): AddonError {
  const { name, what, hint } = STATUS[status] ?? {
    name: `status 0x${status.toString(16).padStart(2, '0')}`,
    what: 'it refuses',
    hint: 'the manual of the interface may explain the status',
  };
  return new AddonError('noLink', `the KNXnet/IP server ${server}: ${what} (${name})`, { hint });
}

/** It has not answered, `what`: to a telegram, to the heartbeat, … */
export function noAnswer(server: string, what: string): AddonError {
  return new AddonError('noLink', `the KNXnet/IP server ${server} does not answer ${what}`, {
    hint: 'is it powered and in this network, and are "ip_address" and "port" right? behind NAT or in a container set "route_back"; one that insists on KNX IP Secure, which is not supported, does not answer either',
  });
}
