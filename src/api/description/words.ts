/** What the documents say in words that stands beside no route. */

export const ABOUT = [
  'The API of an on-premise IoT gateway: devices of any protocol, on the premises, without the Internet.',
  'It follows the published Instathings API and dojot’s history API; what is added to them changes nothing of them.',
  'Every GET may be asked as HEAD. A parameter that is unknown is ignored, a malformed one is 400.',
  'The same API answers on the Unix socket `gate.sock` in `DATA_FOLDER`, with all rights.',
  'Events are described in `/asyncapi.json`.',
].join('\n\n');

export const SECTIONS: Readonly<Record<string, string>> = {
  Authentication: 'Tokens for clients, and the clients themselves',
  Devices: 'The gateway and what hangs below it: list, create, change, pair, delete',
  Readings: 'What devices have sent',
  Control: 'Telling devices something, and asking them',
  Protocols: 'The add-ons that speak to devices: install and remove',
  Types: 'The catalogue of device types',
  History: 'The history of attributes, in dojot’s form',
  Notifications: 'What the gateway itself noticed',
  Logs: 'The last log lines of the gateway and of its add-ons',
  Maintenance: 'Backups, their return, and updates of gate',
  Health: 'How the gateway and its parts are doing',
  Description: 'The API, described by itself',
  Dashboard: 'The page that a browser shows',
};

export const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  deviceId: 'Id of a device',
  parentDeviceId: 'Id of the gateway',
  containerId: '`gate`, or the slug of an add-on',
  requestId: 'The id in the `Location` of a status request',
  protocolId: 'Id or slug of a protocol',
  action: 'Name of an action of the protocol',
  typeId: 'Id of a device type',
  clientId: 'Id of a client',
  token: 'The secret of a webhook',
  part: '`archive`, `checksum` or `signature`',
  file: 'Name of a file of the page',
};
