/** Examples: those that the published documents print, with what this gateway adds to them. By operation. */

const virtualDevice = {
  projectId: '77JTOK6B',
  ts: 1579596309570,
  isVirtual: true,
  demoActive: false,
  parentDevice: 'Wcganw3s',
  id: 'A1Owj4Eu',
  isGateway: false,
  name: 'doc',
  status: { eventType: 'paired', timestamp: 1579596309570 },
  frequency: 60,
  parameters: {},
};
const gateway = (subDevices: unknown[]) => ({
  projectId: '77JTOK6B',
  ts: 1579596302698,
  subDevices,
  isVirtual: false,
  demoActive: false,
  id: 'Wcganw3s',
  isGateway: true,
  name: 'doctest',
  status: { eventType: 'created', timestamp: 1579596302698 },
  parameters: {},
});
const hue = {
  addOn: '@instathings/gate-addon-zigbee',
  description: 'Hue white and color ambiance',
  fakeSampleLabel: 'onoff',
  id: '4023br5d-9f88-4f31-97c2-0e682aef543f',
  manufacturer: 'Philips',
  model: '9290012573A',
  pairingMethods: ['touchlink'],
  physicalParameter: [],
  protocols: ['vRy6GTde'],
  rooms: [
    'closed-office',
    'meeting-room',
    'toilet',
    'archive',
    'living-room',
    'bedroom',
    'kitchen',
    'open-space',
  ],
  space: ['workspace', 'home'],
  type: 'sensor',
};
const zigbee = {
  id: 'vRy6GTde',
  name: 'Zigbee',
  slug: 'zigbee',
  status: 'installed',
  state: 'running',
  version: '1.0.0',
  parameters: { type: 'object', properties: { port: { type: 'string' } } },
};
const temperature = (ts: string, value: string) => ({
  device_id: 'b374a5',
  ts,
  metadata: { protocol: 'mqtt', payload: 'json' },
  value,
  attr: 'temperature',
});
const notFound = {
  title: 'Device not found',
  description: 'No data for the given device could be found',
};

/** By operation and status. */
export const EXAMPLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  getToken: {
    200: {
      access_token:
        'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
      token_type: 'Bearer',
      expires_in: 3600,
    },
  },
  listDevices: { 200: [gateway(['A1Owj4Eu']), virtualDevice] },
  getDevice: { 200: gateway([virtualDevice]) },
  createDevice: { 201: virtualDevice },
  getReadings: {
    200: {
      data: [
        {
          _id: '5ec4ecdc11f6c352cf3f372e',
          data: {
            type: 'data',
            message: {
              data: {
                relays: [{ ison: false, has_timer: false, timer_remaining: 0, overpower: false }],
                temperature: 30.82,
                overtemperature: false,
                ram_total: 50608,
                ram_free: 40304,
                fs_size: 233681,
                fs_free: 168923,
                uptime: 458,
              },
            },
          },
          deviceId: '9s9WdonY9',
          ts: '2020-05-20T08:39:55.995Z',
        },
      ],
      totalItems: 14,
    },
  },
  fetchStatus: {
    200: {
      projectId: 'jmdpqpZf',
      response: {
        state: 'ON',
        brightness: 254,
        color: { x: 0.3068, y: 0.4143 },
        linkquality: 110,
        color_temp: 155,
      },
      ttl: 1583243464,
      deviceId: 'BSQuiDVl',
      id: 'IVdtfGYi',
    },
    202: { status: 'pending' },
  },
  getLogs: {
    200: [
      {
        timestamp: 1586861375901,
        type: 'LOG',
        message: '2020-04-14T10:49:35.884Z gate Connecting...\n',
        ingestionTime: 1586861382077,
      },
    ],
  },
  listProtocols: { 200: [zigbee] },
  getProtocol: { 200: zigbee },
  listTypes: { 200: [hue] },
  getType: { 200: hue },
  getHistory: {
    200: [
      temperature('2018-02-14T13:43:33.306000Z', '22.12'),
      temperature('2018-02-14T13:42:33.306000Z', '23.12'),
      temperature('2018-02-14T13:41:33.306000Z', '24.10'),
    ],
    404: notFound,
  },
  getNotifications: {
    200: {
      notifications: [
        {
          msgID: '0caa7ff1-c6c2-4171-8a58-6f6cf8e137d8',
          metaAttrsFilter: { level: 3, shouldPersist: true },
          message: 'Something went wrong.',
          subject: 'user_notification',
          ts: '2019-02-20T17:17:52.863000Z',
        },
      ],
    },
  },
};

/** Of request bodies, by operation. */
export const BODY_EXAMPLES: Readonly<Record<string, unknown>> = {
  getToken: { clientId: 'yourClientId', clientSecret: 'yourClientSecret' },
  createDevice: { name: 'doc', isVirtual: true, frequency: 60, demoActive: true },
  patchDevice: { name: 'New name' },
  setDevice: { state: 'TOGGLE' },
  installProtocol: { parameters: {} },
  addClient: { name: 'wall panel', scopes: ['control'] },
};
