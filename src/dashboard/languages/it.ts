/** Italiano. */
import type { Messages } from '../text/messages.ts';

const messages: Messages = {
  common: {
    back: 'Indietro',
    cancel: 'Annulla',
    close: 'Chiudi',
    loading: 'Caricamento',
    reload: 'Ricarica',
    retry: 'Riprova',
    save: 'Salva',
    optional: 'facoltativo',
    yes: 'sì',
    no: 'no',
  },
  nav: {
    label: 'Pagine',
    skip: 'Vai al contenuto',
    home: 'Vai al riepilogo',
    overview: 'Riepilogo',
    addDevice: 'Aggiungi',
    protocols: 'Protocolli',
    logs: 'Registri',
    clients: 'Client',
    maintenance: 'Manutenzione',
    more: 'Altro',
    language: 'Lingua',
    api: "L'API",
  },
  connection: {
    lost: 'Nessun collegamento con il gateway. Si riprova da solo.',
    back: 'Di nuovo collegato.',
  },
  errors: {
    noPage: 'Questa pagina non esiste',
    pageNotLoaded: 'Impossibile caricare questa pagina',
    retryAfter: {
      one: 'Si può riprovare tra {count} secondo.',
      other: 'Si può riprovare tra {count} secondi.',
    },
    unreachable: {
      message: 'Il gateway non risponde',
      hint: 'È acceso, e questo dispositivo è nella sua rete? Si riprova da solo.',
    },
    noAnswer: {
      message: 'Il gateway non ha risposto in tempo',
      hint: 'Quanto richiesto potrebbe essere stato fatto lo stesso. Controlla prima di riprovare.',
    },
  },
  logIn: {
    title: 'Accedi',
    heading: 'Accedi al tuo gateway',
    explanation: 'Questo gateway si mostra solo a chi conosce.',
    expired: "L'accesso è terminato: il gateway non lo accetta più.",
    needed: 'Per questo serve un accesso. Dopo si continua da qui.',
    clientId: 'Id del client',
    clientSecret: 'Segreto del client',
    submit: 'Accedi',
    logOut: 'Esci',
    whereTitle: 'Dove si trovano?',
    where:
      'I primi sono nel file first-client.json nella cartella dei dati, finché non vengono usati una volta. Altri si creano sulla macchina:',
  },
  overview: {
    title: 'Riepilogo',
  },
  device: {
    title: 'Dispositivo',
  },
  addDevice: {
    title: 'Aggiungi un dispositivo',
  },
  protocols: {
    title: 'Protocolli',
  },
  logs: {
    title: 'Registri',
  },
  clients: {
    title: 'Client',
  },
  maintenance: {
    title: 'Manutenzione',
  },
};

export default messages;
