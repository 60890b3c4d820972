/** The JSON that the published documents print, as far as it is compared. Only what is no JSON there was put right. */

/** "Get Authentication token"; the token is shortened. */
export const TOKEN = {
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
};

/** "Get all devices" */
export const LISTED_DEVICES = [
  {
    projectId: '77JTOK6B',
    ts: 1579184185884,
    isVirtual: true,
    demoActive: false,
    id: 'iIrGFfgU',
    isGateway: false,
    name: 'device1',
  },
  {
    projectId: '77JTOK6B',
    ts: 1579596302698,
    subDevices: ['A1Owj4Eu'],
    isVirtual: true,
    demoActive: false,
    id: 'Wcganw3s',
    isGateway: true,
    name: 'device2',
  },
  {
    projectId: '77JTOK6B',
    ts: 1579596309570,
    isVirtual: true,
    demoActive: false,
    parentDevice: 'Wcganw3s',
    id: 'A1Owj4Eu',
    isGateway: false,
    name: 'doc',
  },
] as const;

/** "Get device by id" */
export const GATEWAY_DEVICE = {
  projectId: '77JTOK6B',
  ts: 1579596302698,
  isVirtual: true,
  subDevices: [
    {
      projectId: '77JTOK6B',
      ts: 1579596309570,
      isVirtual: true,
      demoActive: false,
      parentDevice: 'Wcganw3s',
      id: 'A1Owj4Eu',
      isGateway: false,
      name: 'doc',
    },
  ],
  demoActive: false,
  id: 'Wcganw3s',
  isGateway: true,
  name: 'doctest',
};

/** "Retrieve operation by id" */
export const FETCHED_OPERATION = {
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
};

/** "Get device logs"; a quotation mark is missing there. */
export const LOG_LINES = [
  {
    timestamp: 1586861375901,
    type: 'LOG',
    message: '2020-04-14T10:49:35.884Z gate Connecting...\n',
    ingestionTime: 1586861382077,
  },
];

/** "Get protocol by id" */
export const PROTOCOL = { id: 'vRy6GTde', name: 'Zigbee', slug: 'zigbee' };

/** "Get type by id", and each entry of "Get all types". The lists are shortened: ours may be empty. */
export const TYPE = {
  addOn: '@instathings/gate-addon-zigbee',
  description: 'Hue white and color ambiance',
  fakeSampleLabel: 'onoff',
  id: '4023br5d-9f88-4f31-97c2-0e682aef543f',
  manufacturer: 'Philips',
  model: '9290012573A',
  pairingMethods: [],
  physicalParameter: [],
  protocols: ['vRy6GTde'],
  rooms: [],
  space: [],
  type: 'sensor',
};

/** "OP: Get data for a specific device" */
export const READING_PAGE = {
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
};

/** "OP: data", and "OP: status", which has the same keys. */
export const DATA_EVENT = {
  deviceId: 'a1234',
  payload: { temperature: 30.82 },
  ts: '2020-05-20T12:19:44.395Z',
};

/** "OP: data_deviceId", "OP: status_deviceId" */
export const BARE_PAYLOAD = { temperature: 30.82 };

/** "OP: deviceId" */
export const DEVICE_EVENT = {
  action: 'data',
  payload: { temperature: 20.4 },
  ts: '2020-05-20T12:19:44.395Z',
};

/** The payload of the cloud's "discovering"; "paired" and "not_paired" differ in `eventType` alone. */
export const PAIRING_PAYLOAD = {
  projectId: 'ZLS75DhL',
  ts: 1588926931047,
  status: { eventType: 'discovering' },
  parentDevice: '3tjVYgQTw',
  id: 'ULfDD5dO4',
  env: 'live',
  isGateway: false,
  name: 'sensor',
  type: '01c2fd9f-fb3a-45cf-8be3-97e00b7510c6',
};

/** The payload of the cloud's "status". */
export const STATUS_RESPONSE = {
  type: 'data',
  message: {
    data: { overtemperature: false, temperature: 37.35, fs_size: 233681, time: '16:54', fs_free: 168923 },
  },
};

/** The payload of the cloud's "log". */
export const LOG_PAYLOAD = {
  logs: [
    { message: '2020-05-07T15:01:20.563Z gate:log Connecting...', type: 'LOG', timestamp: 1588863680585 },
  ],
  deviceId: '9IHOifUF4',
  containerName: 'gate',
};

const entry = (attr: string, ts: string, value: string) => ({
  device_id: 'b374a5',
  ts,
  metadata: { protocol: 'mqtt', payload: 'json' },
  value,
  attr,
});

/** dojot, "Filter by last N values and only one attribute" */
export const LAST_VALUES = [
  entry('temperature', '2018-02-14T13:43:33.306000Z', '22.12'),
  entry('temperature', '2018-02-14T13:42:33.306000Z', '23.12'),
  entry('temperature', '2018-02-14T13:41:33.306000Z', '24.10'),
];

/** dojot, "Filter by first N values and somes attributes" */
export const FIRST_VALUES = {
  temperature: [
    entry('temperature', '2010-01-01T10:11:22.306000Z', '24.10'),
    entry('temperature', '2010-01-01T10:12:22.306000Z', '23.12'),
    entry('temperature', '2010-01-01T10:13:22.306000Z', '22.12'),
  ],
  pressure: [
    entry('pressure', '2010-01-01T10:11:22.306000Z', '1053'),
    entry('pressure', '2010-01-01T10:12:22.306000Z', '1033'),
    entry('pressure', '2010-01-01T10:13:22.306000Z', '1013'),
  ],
};

export const NO_VALUES = { temperature: [], pressure: [] };

export const DEVICE_NOT_FOUND = {
  title: 'Device not found',
  description: 'No data for the given device could be found',
};

export const ATTR_NOT_FOUND = {
  title: 'Attr not found',
  description: 'No data for the given attribute could be found',
};

/** dojot, "Get notifications from a tenant" */
export const NOTIFICATIONS = {
  notifications: [
    {
      msgID: '0caa7ff1-c6c2-4171-8a58-6f6cf8e137d8',
      metaAttrsFilter: { level: 3, shouldPersist: true },
      message: 'Something went wrong.',
      subject: 'user_notification',
      ts: '2019-02-20T17:17:52.863000Z',
    },
  ],
};
