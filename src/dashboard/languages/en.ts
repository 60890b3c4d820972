/** English: the language that the keys come from. Another one is a file beside this one, with the same keys. */
export default {
  common: {
    back: 'Back',
    cancel: 'Cancel',
    close: 'Close',
    loading: 'Loading',
    reload: 'Load again',
    retry: 'Try again',
    save: 'Save',
    optional: 'optional',
    yes: 'yes',
    no: 'no',
  },
  nav: {
    label: 'Pages',
    skip: 'Skip to the content',
    home: 'To the overview',
    overview: 'Overview',
    addDevice: 'Add',
    protocols: 'Protocols',
    logs: 'Logs',
    clients: 'Clients',
    maintenance: 'Maintenance',
    more: 'More',
    language: 'Language',
    api: 'The API',
  },
  connection: {
    lost: 'No connection to the gateway. It is tried again by itself.',
    back: 'Connected again.',
  },
  errors: {
    noPage: 'There is no such page',
    pageNotLoaded: 'This page could not be loaded',
    retryAfter: {
      one: 'It may be tried again in {count} second.',
      other: 'It may be tried again in {count} seconds.',
    },
    unreachable: {
      message: 'The gateway does not answer',
      hint: 'Is it running, and is this device in its network? It is tried again by itself.',
    },
    noAnswer: {
      message: 'The gateway has not answered in time',
      hint: 'What was asked may have been done all the same. Look before you try again.',
    },
  },
  logIn: {
    title: 'Log in',
    heading: 'Log in to your gateway',
    explanation: 'This gateway shows itself to those only whom it knows.',
    expired: 'Your log-in has ended: the gateway takes it no more.',
    needed: 'This needs a log-in. What you began goes on afterwards.',
    clientId: 'Client id',
    clientSecret: 'Client secret',
    submit: 'Log in',
    logOut: 'Log out',
    whereTitle: 'Where do I find them?',
    where:
      'The first ones are in the file first-client.json in the folder of the data, until they have been used once. New ones are made on the box:',
  },
  overview: {
    title: 'Overview',
  },
  device: {
    title: 'Device',
  },
  addDevice: {
    title: 'Add a device',
  },
  protocols: {
    title: 'Protocols',
  },
  logs: {
    title: 'Logs',
  },
  clients: {
    title: 'Clients',
  },
  maintenance: {
    title: 'Maintenance',
  },
};
