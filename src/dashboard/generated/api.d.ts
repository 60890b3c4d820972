/** The types of the API, made by `npm run types:api` of /openapi.json. Not written by hand. */

export interface paths {
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How each part is doing */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get all devices
         * @description The gateway itself is one of them, and its `subDevices` are ids.
         */
        get: operations["listDevices"];
        put?: never;
        /**
         * Create a device
         * @description `type` is the id of a device type; only a virtual device may do without. `parameters` are checked against the JSON Schema of the type, and its defaults are filled in. A device that is not virtual is paired next, at once with `pair`.
         */
        post: operations["createDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices/{deviceId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a device by id
         * @description The `subDevices` of the gateway are whole devices here.
         */
        get: operations["getDevice"];
        put?: never;
        post?: never;
        /**
         * Delete a device
         * @description It is unpaired from its network first; one that does not answer is forced out, and that is said. The gateway itself cannot be deleted: 403.
         */
        delete: operations["deleteDevice"];
        options?: never;
        head?: never;
        /**
         * Change a device
         * @description `parameters` are merged into those there are, and checked again. `frequency` and `demoActive` are for virtual devices.
         */
        patch: operations["patchDevice"];
        trace?: never;
    };
    "/devices/{parentDeviceId}/subDevice/subDevices/{deviceId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a device below the gateway */
        delete: operations["deleteSubDevice"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices/{parentDeviceId}/subDevice/subDevices/{deviceId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a device below the gateway, under the prefix of the service */
        delete: operations["deleteSubDeviceByPrefix"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/hooks/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Report a reading
         * @description For devices that report by themselves. Parameters of the query, and the fields of a JSON object or of a form, are the values of a reading; texts of the query and of a form that are numbers or `true` and `false` become such. Answered when the reading is on disk. A wrong token is 404.
         */
        get: operations["callWebhook"];
        put?: never;
        /**
         * Report a reading in a body
         * @description For devices that report by themselves. Parameters of the query, and the fields of a JSON object or of a form, are the values of a reading; texts of the query and of a form that are numbers or `true` and `false` become such. Answered when the reading is on disk. A wrong token is 404.
         */
        post: operations["postToWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices/{deviceId}/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Renew the webhook of a device
         * @description The one so far is void at once.
         */
        post: operations["renewWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices/{deviceId}/pair": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How the last pairing of a device goes, or went
         * @description For whoever comes back to one: the events tell the same as it happens. A restart forgets the steps.
         */
        get: operations["getPairing"];
        put?: never;
        /**
         * Pair a device
         * @description It is looked for for `joinSeconds` (30), and then has up to 180 s for its interview. How it ends is told by the events `paired` and `not_paired`, and by `status` of the device. 409 while a pairing of it is under way, for a virtual device and for the gateway.
         */
        post: operations["pairDevice"];
        /** Cancel a pairing */
        delete: operations["cancelPairing"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices/{deviceId}/data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get data for a specific device
         * @description One page of what the device has sent. By default the oldest reading is first.
         */
        get: operations["getReadings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/history/device/{deviceId}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve data from attributes
         * @description The values of attributes in dojot’s form, the newest first (with `firstN` the oldest); with `interval` statistics of each interval. At most 10,000 values of each attribute and 100,000 in all; what is left out is told by `X-Truncated`.
         */
        get: operations["getHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/history/latest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The newest value of each attribute of each device
         * @description For an overview. A value of more than 2000 characters as JSON is left out; what a device has not sent for long may be.
         */
        get: operations["getLatestValues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/control/{deviceId}/set": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Control a device by id
         * @description For an HTTP device the query and the body are handed on to the path and with the method that the headers name, at its own address and nowhere else. For other devices, and for an HTTP device whose type has `features` where neither header is sent, the body is a JSON object of values: `{"state": "ON"}`. Commands to one device are carried out in the order they came; at most 1,000 wait.
         */
        post: operations["setDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/control/{deviceId}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get device status by id
         * @description For an HTTP device the query and the body are handed on to the path and with the method that the headers name, at its own address and nowhere else. For other devices, and for an HTTP device whose type has `features` where neither header is sent, the body is a JSON object of values: `{"state": "ON"}`. What the device answers is fetched from where `Location` says, and told by the event `status`.
         */
        post: operations["askStatus"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/control/{requestId}/fetch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Retrieve operation by id */
        get: operations["fetchStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get all protocols */
        get: operations["listProtocols"];
        put?: never;
        /**
         * Register an add-on of others by its manifest
         * @description One that others start and that needs no parameters is installed with it: then the answer has its login.
         */
        post: operations["registerAddon"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a protocol by id or slug */
        get: operations["getProtocol"];
        put?: never;
        post?: never;
        /**
         * Take an add-on of others away
         * @description 409 while it has devices, unless `force` is given. One that comes with the gateway stays: 403.
         */
        delete: operations["forgetAddon"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}/installation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Update a protocol
         * @description Takes what lies in the folder of its add-on now; `version` says which that must be. One that is installed as a container gets `image`, or the image that its manifest names.
         */
        put: operations["updateProtocol"];
        /**
         * Install a protocol
         * @description `parameters` are checked against the JSON Schema in the manifest of its add-on. How it goes on is in `status` and told as events. With `image` it is installed as a container of that image. For an add-on that others start the answer has its login.
         */
        post: operations["installProtocol"];
        /**
         * Remove a protocol
         * @description 409 while it has devices, unless `force` is given. `data` removes what its container has kept, too.
         */
        delete: operations["removeProtocol"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A new token for an add-on that others start
         * @description The one before is void, and its connection is ended.
         */
        post: operations["renewAddonToken"];
        /** Void the token of an add-on that others start */
        delete: operations["revokeAddonToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}/actions/{action}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have an add-on do one of its actions
         * @description The actions and their parameters are in `actions` of the protocol. Some need the scope `admin`. What comes of it is fetched from where `Location` says.
         */
        post: operations["beginAction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}/scan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Look for devices
         * @description The add-on looks around for up to 10 s.
         */
        post: operations["scanForDevices"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a file for an add-on
         * @description For actions that take a `file`, such as the import of a project of ETS. Up to 64 MiB; the last 4 of an add-on are kept, for an hour.
         */
        post: operations["sendFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/protocols/{protocolId}/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make many devices at once
         * @description As the preview of an import lists them. A device is known by its `key`: given again it is changed, or left as it is, and its name stays what it is here. What is new, changed or not paired yet is paired in the background.
         */
        post: operations["importDevices"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/type-names": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get what all types are found by
         * @description A quarter of the size of the types themselves: for a search where somebody types. Compressed as `Accept-Encoding` has it.
         */
        get: operations["listTypeNames"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get all types
         * @description The device types of every add-on on the box. Compressed as `Accept-Encoding` has it.
         */
        get: operations["listTypes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/types/{typeId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a type by id
         * @description With what its devices can be told, as `settable`, where the add-on says it.
         */
        get: operations["getType"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/devices/{deviceId}/{containerId}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get device logs
         * @description The last lines of one program, oldest first. `deviceId` is the gateway’s; `containerId` is `gate`, the gateway itself, or the slug of an add-on.
         */
        get: operations["getLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the gateway is, and how its backup, restore and update stand
         * @description Whoever left long work and comes back finds it here; the event `maintenance` tells what changes.
         */
        get: operations["getMaintenance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/device/v1/serial-ports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the serial ports of the box
         * @description For protocols that are installed with one: those of sticks, with their lasting name first.
         */
        get: operations["listSerialPorts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin a backup
         * @description All of this gateway as one encrypted file. It goes on whoever listens; it is kept for a day, or until another one begins. 409 while one is taken.
         */
        post: operations["beginBackup"];
        /** End the backup that is taken, or delete the one that is ready */
        delete: operations["dropBackup"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/backup/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Fetch the backup */
        get: operations["fetchBackup"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/restore/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a backup, or a piece of it
         * @description Up to 64 MiB a piece, 8 GiB in all. A piece begins where the last one ended: 409 says where that is.
         */
        post: operations["sendBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unpack and check the backup that was sent
         * @description Nothing of the gateway is changed. What is in it is told once it was checked.
         */
        post: operations["checkBackup"];
        /** Let go of the backup that was sent */
        delete: operations["dropRestore"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/restore/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put the backup in place of this gateway
         * @description The gateway restarts for it. What was there is moved aside. Clients, tokens and settings are those of the backup afterwards.
         */
        post: operations["applyBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/update/files/{part}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a part of a release, or a piece of it
         * @description `archive` is the `.tar.gz`, `checksum` its `.sha256`, `signature` its `.sig`. Pieces as for a backup.
         */
        post: operations["sendRelease"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/maintenance/v1/update": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Update gate
         * @description The updater checks the release, puts it in place and watches it; it goes back by itself when that does not come up. 503 where gate was not installed from a release.
         */
        post: operations["beginUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/history/notifications/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the last 10 notifications
         * @description What the gateway itself noticed, newest first. Parameters select by attribute, all together.
         */
        get: operations["getNotifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/authentication/v1/oauth/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get Authentication token
         * @description OAuth 2.0 client credentials: as the documented JSON, as a form with OAuth’s own names, or as `Authorization: Basic`. A token in that header is not looked at. Too many failed log-ins are 429.
         */
        post: operations["getToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/authentication/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get all clients, without their secrets */
        get: operations["listClients"];
        put?: never;
        /**
         * Add a client
         * @description Its secret is in this answer and nowhere else. 409 when there are 1,000 clients.
         */
        post: operations["addClient"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/authentication/v1/clients/{clientId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a client
         * @description Its tokens are void at once.
         */
        delete: operations["removeClient"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/authentication/v1/clients/{clientId}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Void the tokens of a client
         * @description At once; the client may log in again.
         */
        delete: operations["voidTokens"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Figures for Prometheus
         * @description In Prometheus’ text format. Counters begin anew with each start of the gateway.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document: OpenAPI 3.1 */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The events and the MQTT contracts: AsyncAPI 3.0 */
        get: operations["getAsyncApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document as a page */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The events and the MQTT contracts as a page */
        get: operations["getEventDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A file of the page */
        get: operations["getDocsFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The dashboard, for a browser */
        get: operations["getDashboard"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dashboard/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A file of the dashboard
         * @description Its name changes with its content: it may be kept for good.
         */
        get: operations["getDashboardFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Error: {
            /** @description For a person: what happened, and to what */
            message: string;
            /** @description Stable: for programs */
            code: string;
            /** @description What is wrong, field by field */
            errors?: {
                field: string;
                message: string;
            }[];
            /** @description What to do next */
            hint?: string;
            /**
             * @description For OAuth clients, where they look for it (RFC 6749, 5.2)
             * @enum {string}
             */
            error?: "invalid_request" | "invalid_client" | "unsupported_grant_type" | "invalid_scope";
            /** @description What the device answered, where it speaks HTTP */
            deviceStatus?: number;
        };
        Reason: {
            code: string;
            message: string;
            hint?: string;
        };
        Availability: {
            online: boolean;
            reason?: string;
            /** @description Since when; milliseconds since 1970 */
            since: number;
        };
        Device: {
            projectId: string;
            /** @description Creation; milliseconds since 1970 */
            ts: number;
            /** @description On the gateway only: whole devices */
            subDevices?: {
                projectId: string;
                /** @description Creation; milliseconds since 1970 */
                ts: number;
                isVirtual: boolean;
                /** @description Whether a virtual device generates readings now */
                demoActive: boolean;
                /** @description On sub-devices only: the gateway */
                parentDevice?: string;
                id: string;
                isGateway: boolean;
                name: string;
                /** @description Id of a device type */
                type?: string;
                status: {
                    /** @enum {string} */
                    eventType: "created" | "discovering" | "paired" | "not_paired" | "connected" | "disconnected";
                    timestamp: number;
                    reason?: components["schemas"]["Reason"];
                };
                availability?: components["schemas"]["Availability"];
                /** @description Any JSON */
                address?: unknown;
                /** @description Of HTTP devices, for administrators: the path that it may report its readings to */
                webhook?: string;
                /** @description Seconds between two readings of a virtual device */
                frequency?: number;
                /** @description Any JSON object */
                parameters: Record<string, never>;
                /** @description What of its readings goes to the cloud; absent: all */
                relay?: {
                    excluded?: boolean;
                    thinning?: {
                        [key: string]: {
                            minIntervalSeconds?: number;
                            deadband?: number;
                        };
                    };
                };
                /** @description What it was imported as */
                importKey?: string;
                /** @description Where it is, in its people’s own words */
                room?: string;
            }[];
            isVirtual: boolean;
            /** @description Whether a virtual device generates readings now */
            demoActive: boolean;
            /** @description On sub-devices only: the gateway */
            parentDevice?: string;
            id: string;
            isGateway: boolean;
            name: string;
            /** @description Id of a device type */
            type?: string;
            status: {
                /** @enum {string} */
                eventType: "created" | "discovering" | "paired" | "not_paired" | "connected" | "disconnected";
                timestamp: number;
                reason?: components["schemas"]["Reason"];
            };
            availability?: components["schemas"]["Availability"];
            /** @description Any JSON */
            address?: unknown;
            /** @description Of HTTP devices, for administrators: the path that it may report its readings to */
            webhook?: string;
            /** @description Seconds between two readings of a virtual device */
            frequency?: number;
            /** @description Any JSON object */
            parameters: Record<string, never>;
            /** @description What of its readings goes to the cloud; absent: all */
            relay?: {
                excluded?: boolean;
                thinning?: {
                    [key: string]: {
                        minIntervalSeconds?: number;
                        deadband?: number;
                    };
                };
            };
            /** @description What it was imported as */
            importKey?: string;
            /** @description Where it is, in its people’s own words */
            room?: string;
        };
        DeviceInList: {
            projectId: string;
            /** @description Creation; milliseconds since 1970 */
            ts: number;
            /** @description On the gateway only: ids */
            subDevices?: string[];
            isVirtual: boolean;
            /** @description Whether a virtual device generates readings now */
            demoActive: boolean;
            /** @description On sub-devices only: the gateway */
            parentDevice?: string;
            id: string;
            isGateway: boolean;
            name: string;
            /** @description Id of a device type */
            type?: string;
            status: {
                /** @enum {string} */
                eventType: "created" | "discovering" | "paired" | "not_paired" | "connected" | "disconnected";
                timestamp: number;
                reason?: components["schemas"]["Reason"];
            };
            availability?: components["schemas"]["Availability"];
            /** @description Any JSON */
            address?: unknown;
            /** @description Of HTTP devices, for administrators: the path that it may report its readings to */
            webhook?: string;
            /** @description Seconds between two readings of a virtual device */
            frequency?: number;
            /** @description Any JSON object */
            parameters: Record<string, never>;
            /** @description What of its readings goes to the cloud; absent: all */
            relay?: {
                excluded?: boolean;
                thinning?: {
                    [key: string]: {
                        minIntervalSeconds?: number;
                        deadband?: number;
                    };
                };
            };
            /** @description What it was imported as */
            importKey?: string;
            /** @description Where it is, in its people’s own words */
            room?: string;
        };
        Reading: {
            /** @description Unique on this gateway, growing with the order of storing */
            _id: string;
            /** @description Any JSON object */
            data: Record<string, never>;
            deviceId: string;
            /**
             * Format: date-time
             * @description When it was measured; ISO 8601
             */
            ts: string;
            /**
             * @description Where the box had no right clock when it was measured: `unsure`, `ts` will be put right; `estimated`, `ts` is the latest that it can have been
             * @enum {string}
             */
            clock?: "unsure" | "estimated";
        };
        Operation: {
            projectId: string;
            /** @description Any JSON */
            response: unknown;
            /** @description Second since 1970 at which it is forgotten */
            ttl: number;
            deviceId: string;
            id: string;
            /** @description Of an action: its protocol */
            protocolId?: string;
            /** @description Of an action: its name */
            action?: string;
        } | {
            projectId: string;
            error: components["schemas"]["Reason"];
            /** @description Second since 1970 at which it is forgotten */
            ttl: number;
            deviceId: string;
            id: string;
            /** @description Of an action: its protocol */
            protocolId?: string;
            /** @description Of an action: its name */
            action?: string;
        };
        Protocol: {
            id: string;
            name: string;
            /** @description The name of its add-on */
            slug: string;
            /** @enum {string} */
            status: "notInstalled" | "installing" | "installed" | "updating" | "removing" | "failed";
            /**
             * @description How its add-on is doing
             * @enum {string}
             */
            state: "stopped" | "starting" | "running" | "degraded" | "failed";
            reason?: string;
            /** @description Of its add-on */
            version: string;
            /** @description What it runs, where it is installed as a container */
            image?: {
                name: string;
                /** @description The registry’s name of just this content */
                digest?: string;
            };
            /** @description What its add-on can be asked to do, by name */
            actions?: {
                [key: string]: {
                    title?: string;
                    description?: string;
                    /**
                     * @description Any JSON object
                     * @default {
                     *       "type": "object"
                     *     }
                     */
                    parameters: Record<string, never>;
                    /**
                     * @default admin
                     * @enum {string}
                     */
                    scope: "control" | "admin";
                    /** @default 20 */
                    timeoutSeconds: number;
                };
            };
            /** @description The JSON Schema of what it is installed with */
            parameters: Record<string, never>;
            /** @description Of these parameters: those that name a device of the box, such as a serial port */
            devicePaths?: string[];
            /** @description While its image is fetched */
            progress?: {
                layers: number;
                layersDone: number;
                bytes: number;
                totalBytes: number;
            };
        };
        AddonLogin: {
            /** @description The gateway’s broker: `mqtt://host:port` */
            brokerUrl: string;
            /** @description User name and MQTT client id */
            addon: string;
            /** @description The password; shown this once */
            token: string;
        };
        Candidate: {
            /** @description For people */
            label: string;
            /** @description Id of its device type, where the add-on can tell */
            type?: string;
            /** @description What it is created with */
            parameters: Record<string, never>;
            /** @description Where it is one of the gateway’s already */
            deviceId?: string;
        };
        DeviceType: {
            /** @description Package name of the add-on */
            addOn: string;
            description: string;
            /** @description What a virtual device of this type generates */
            fakeSampleLabel: string;
            id: string;
            manufacturer: string;
            model: string;
            pairingMethods: string[];
            physicalParameter: string[];
            protocols: string[];
            rooms: string[];
            space: string[];
            type: string;
            features?: string[];
            /** @description Any JSON object */
            parameters?: Record<string, never>;
        };
        LogLine: {
            /** @description When it was written; milliseconds since 1970 */
            timestamp: number;
            /** @enum {string} */
            type: "LOG" | "ERR";
            message: string;
            /** @description How serious it is, where its program says so */
            level?: string;
            /** @description When it came in; milliseconds since 1970 */
            ingestionTime: number;
        };
        AttributeValue: {
            device_id: string;
            /**
             * Format: date-time
             * @description When it was measured; ISO 8601
             */
            ts: string;
            metadata: {
                protocol: string;
                /** @constant */
                payload: "json";
            };
            /** @description Any JSON */
            value: unknown;
            attr: string;
            /**
             * @description Where the box had no right clock when it was measured: `unsure`, `ts` will be put right; `estimated`, `ts` is the latest that it can have been
             * @enum {string}
             */
            clock?: "unsure" | "estimated";
        };
        IntervalStatistics: {
            device_id: string;
            /**
             * Format: date-time
             * @description The begin of the interval; ISO 8601
             */
            ts: string;
            attr: string;
            min: number;
            max: number;
            mean: number;
            count: number;
        };
        Notification: {
            msgID: string;
            metaAttrsFilter: {
                /**
                 * @description 1 critical, 2 error, 3 warning, 4 information
                 * @enum {number}
                 */
                level: 1 | 2 | 3 | 4;
                /** @constant */
                shouldPersist: true;
                /** @description The device it is about */
                deviceId?: string;
                /** @description Slug of the add-on it is about */
                addon?: string;
            };
            message: string;
            /** @description What kind of thing was noticed: a stable name */
            subject: string;
            /**
             * Format: date-time
             * @description When it was noticed; ISO 8601
             */
            ts: string;
        };
        Client: {
            clientId: string;
            name: string;
            scopes: ("read" | "control" | "admin")[];
            /** @description When it was made; milliseconds since 1970 */
            createdAt: number;
            /** @description Its last log-in; milliseconds since 1970 */
            lastUsedAt?: number;
        };
        NewClientCredentials: {
            clientId: string;
            /** @description Shown this once */
            clientSecret: string;
            name: string;
            scopes: ("read" | "control" | "admin")[];
        };
        Health: {
            /** @enum {string} */
            status: "ready" | "degraded" | "notReady";
            /** @description For callers that may read; by the name of the part */
            parts?: {
                [key: string]: {
                    /** @enum {string} */
                    state: "stopped" | "starting" | "running" | "degraded" | "failed";
                    reason?: string;
                    /** @description When this state began; milliseconds since 1970 */
                    since: number;
                    /** @description How often an add-on was started again */
                    restarts?: number;
                    /** @description Why it ended the last time */
                    lastFailure?: string;
                    /** @description How many messages of an add-on, or of the cloud, were refused */
                    badMessages?: number;
                    /** @description What was wrong with the last of them */
                    lastBadMessage?: string;
                    /** @description How often log-ins were limited */
                    limitedLogIns?: number;
                    /** @description Free on the disk with the data folder */
                    freeBytes?: number;
                    /** @description Size of that disk */
                    totalBytes?: number;
                    /** @description Of the link to the cloud: readings that have not reached it yet */
                    waitingReadings?: number;
                    /** @description When the oldest of them was stored, in ISO 8601 */
                    waitingSince?: string;
                };
            };
        };
    };
    responses: {
        /** @description An error: `badRequest` */
        badRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "badRequest";
                } & components["schemas"]["Error"];
            };
        };
        /** @description An error: `unauthorized` */
        unauthorized: {
            headers: {
                /** @description RFC 9110, 11.6.1 */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "unauthorized";
                } & components["schemas"]["Error"];
            };
        };
        /** @description An error: `forbidden` */
        forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "forbidden";
                } & components["schemas"]["Error"];
            };
        };
        /** @description An error: `notAcceptable` */
        notAcceptable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "notAcceptable";
                } & components["schemas"]["Error"];
            };
        };
        /** @description An error: `tooManyRequests` */
        tooManyRequests: {
            headers: {
                /** @description Seconds after which to try again */
                "Retry-After": number;
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "tooManyRequests";
                } & components["schemas"]["Error"];
            };
        };
        /** @description An error: `headersTooLarge` */
        headersTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "headersTooLarge";
                } & components["schemas"]["Error"];
            };
        };
        /** @description An error: `internal` */
        internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    code?: "internal";
                } & components["schemas"]["Error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Where it is to be found */
        Location: string;
        /** @description Changes with the body: for `If-None-Match` */
        ETag: string;
        /** @description How long the answer may be kept */
        "Cache-Control": string;
        /** @description What the page may load */
        "Content-Security-Policy": string;
        /** @description The name of the file */
        "Content-Disposition": string;
        /** @description Where the answer was cut: what lies beyond this moment is not, or not all, in it */
        "X-Truncated": string;
        /** @description Seconds after which to try again */
        "Retry-After": number;
        /** @description The methods that the path has */
        Allow: string;
        /** @description RFC 9110, 11.6.1 */
        "WWW-Authenticate": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "live";
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The gateway does its work; `degraded` where something is wrong all the same */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description The gateway cannot do its work just now */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    listDevices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every device */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "projectId": "77JTOK6B",
                     *         "ts": 1579596302698,
                     *         "subDevices": [
                     *           "A1Owj4Eu"
                     *         ],
                     *         "isVirtual": false,
                     *         "demoActive": false,
                     *         "id": "Wcganw3s",
                     *         "isGateway": true,
                     *         "name": "doctest",
                     *         "status": {
                     *           "eventType": "created",
                     *           "timestamp": 1579596302698
                     *         },
                     *         "parameters": {}
                     *       },
                     *       {
                     *         "projectId": "77JTOK6B",
                     *         "ts": 1579596309570,
                     *         "isVirtual": true,
                     *         "demoActive": false,
                     *         "parentDevice": "Wcganw3s",
                     *         "id": "A1Owj4Eu",
                     *         "isGateway": false,
                     *         "name": "doc",
                     *         "status": {
                     *           "eventType": "paired",
                     *           "timestamp": 1579596309570
                     *         },
                     *         "frequency": 60,
                     *         "parameters": {}
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["DeviceInList"][];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    createDevice: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "doc",
                 *       "isVirtual": true,
                 *       "frequency": 60,
                 *       "demoActive": true
                 *     }
                 */
                "application/json": {
                    name: string;
                    type?: string;
                    /**
                     * @description Any JSON object
                     * @default {}
                     */
                    parameters?: Record<string, never>;
                    /** @default false */
                    isVirtual?: boolean;
                    /** @default false */
                    demoActive?: boolean;
                    frequency?: number;
                    room?: string;
                    /** @default false */
                    pair?: boolean;
                };
            };
        };
        responses: {
            /** @description The new device */
            201: {
                headers: {
                    /** @description Where it is to be found */
                    Location: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "projectId": "77JTOK6B",
                     *       "ts": 1579596309570,
                     *       "isVirtual": true,
                     *       "demoActive": false,
                     *       "parentDevice": "Wcganw3s",
                     *       "id": "A1Owj4Eu",
                     *       "isGateway": false,
                     *       "name": "doc",
                     *       "status": {
                     *         "eventType": "paired",
                     *         "timestamp": 1579596309570
                     *       },
                     *       "frequency": 60,
                     *       "parameters": {}
                     *     }
                     */
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The device */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "projectId": "77JTOK6B",
                     *       "ts": 1579596302698,
                     *       "subDevices": [
                     *         {
                     *           "projectId": "77JTOK6B",
                     *           "ts": 1579596309570,
                     *           "isVirtual": true,
                     *           "demoActive": false,
                     *           "parentDevice": "Wcganw3s",
                     *           "id": "A1Owj4Eu",
                     *           "isGateway": false,
                     *           "name": "doc",
                     *           "status": {
                     *             "eventType": "paired",
                     *             "timestamp": 1579596309570
                     *           },
                     *           "frequency": 60,
                     *           "parameters": {}
                     *         }
                     *       ],
                     *       "isVirtual": false,
                     *       "demoActive": false,
                     *       "id": "Wcganw3s",
                     *       "isGateway": true,
                     *       "name": "doctest",
                     *       "status": {
                     *         "eventType": "created",
                     *         "timestamp": 1579596302698
                     *       },
                     *       "parameters": {}
                     *     }
                     */
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    deleteDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description Why the device had to be forced out of its network, and what to do with it */
                        forcedOut?: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    patchDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "New name"
                 *     }
                 */
                "application/json": {
                    name?: string;
                    frequency?: number;
                    demoActive?: boolean;
                    /** @description Any JSON object */
                    parameters?: Record<string, never>;
                    room?: string;
                    relay?: {
                        excluded?: boolean;
                        thinning?: {
                            [key: string]: {
                                minIntervalSeconds?: number;
                                deadband?: number;
                            };
                        };
                    };
                };
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    deleteSubDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the gateway */
                parentDeviceId: string;
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description Why the device had to be forced out of its network, and what to do with it */
                        forcedOut?: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    deleteSubDeviceByPrefix: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the gateway */
                parentDeviceId: string;
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description Why the device had to be forced out of its network, and what to do with it */
                        forcedOut?: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    callWebhook: {
        parameters: {
            query?: {
                /** @description For HTTP devices: every parameter counts as it came */
                parameters?: {
                    [key: string]: string | string[];
                };
            };
            header?: never;
            path: {
                /** @description The secret of a webhook */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The reading is on disk */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    postToWebhook: {
        parameters: {
            query?: {
                /** @description For HTTP devices: every parameter counts as it came */
                parameters?: {
                    [key: string]: string | string[];
                };
            };
            header?: never;
            path: {
                /** @description The secret of a webhook */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
                "application/x-www-form-urlencoded": {
                    [key: string]: string;
                };
            };
        };
        responses: {
            /** @description The reading is on disk */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    renewWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new webhook */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description Its path: a secret */
                        webhook: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getPairing: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its steps so far, and how long it may take */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description As the device shows it: `discovering` while it goes on */
                        status: {
                            /** @enum {string} */
                            eventType: "created" | "discovering" | "paired" | "not_paired" | "connected" | "disconnected";
                            timestamp: number;
                            reason?: components["schemas"]["Reason"];
                        };
                        /** @description When it began; milliseconds since 1970 */
                        startedAt?: number;
                        /** @description Something must have joined by then; milliseconds since 1970 */
                        joinUntil?: number;
                        /** @description It ends by then; later once something has joined; milliseconds since 1970 */
                        until?: number;
                        steps: {
                            /** @enum {string} */
                            step: "joined" | "interviewing" | "configuring" | "configured";
                            /** @description Any JSON object */
                            details?: Record<string, never>;
                            /** @description When it was reached; milliseconds since 1970 */
                            ts: number;
                        }[];
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    pairDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default 30 */
                    joinSeconds?: number;
                };
            };
        };
        responses: {
            /** @description It is looked for */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    cancelPairing: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancelled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getReadings: {
        parameters: {
            query?: {
                /** @description First moment, inclusive; milliseconds since 1970 */
                start?: number;
                /** @description Last moment, inclusive; milliseconds since 1970 */
                end?: number;
                /** @description From 1 */
                page?: number;
                /** @description Readings on one page */
                perPage?: number;
                /** @description The key to sort by, with + (ascending) or - (descending) before it */
                sort?: string;
            };
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "_id": "5ec4ecdc11f6c352cf3f372e",
                     *           "data": {
                     *             "type": "data",
                     *             "message": {
                     *               "data": {
                     *                 "relays": [
                     *                   {
                     *                     "ison": false,
                     *                     "has_timer": false,
                     *                     "timer_remaining": 0,
                     *                     "overpower": false
                     *                   }
                     *                 ],
                     *                 "temperature": 30.82,
                     *                 "overtemperature": false,
                     *                 "ram_total": 50608,
                     *                 "ram_free": 40304,
                     *                 "fs_size": 233681,
                     *                 "fs_free": 168923,
                     *                 "uptime": 458
                     *               }
                     *             }
                     *           },
                     *           "deviceId": "9s9WdonY9",
                     *           "ts": "2020-05-20T08:39:55.995Z"
                     *         }
                     *       ],
                     *       "totalItems": 14
                     *     }
                     */
                    "application/json": {
                        data: components["schemas"]["Reading"][];
                        /** @description Readings on all pages together */
                        totalItems: number;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getHistory: {
        parameters: {
            query?: {
                /** @description Attributes, or dotted paths below one, separated by commas; 100 at most */
                attr?: string;
                /** @description So many of the oldest values of each attribute */
                firstN?: number;
                /** @description So many of the newest values of each attribute */
                lastN?: number;
                /** @description ISO 8601: a date, or a date and time with up to nine decimals and any zone; inclusive */
                dateFrom?: string;
                /** @description ISO 8601: a date, or a date and time with up to nine decimals and any zone; inclusive */
                dateTo?: string;
                /** @description Statistics of numbers for each interval, 1s to 366d, in place of values */
                interval?: string;
            };
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One named attribute: an array. Several or none: an object of arrays */
            200: {
                headers: {
                    /** @description Where the answer was cut: what lies beyond this moment is not, or not all, in it */
                    "X-Truncated"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "device_id": "b374a5",
                     *         "ts": "2018-02-14T13:43:33.306000Z",
                     *         "metadata": {
                     *           "protocol": "mqtt",
                     *           "payload": "json"
                     *         },
                     *         "value": "22.12",
                     *         "attr": "temperature"
                     *       },
                     *       {
                     *         "device_id": "b374a5",
                     *         "ts": "2018-02-14T13:42:33.306000Z",
                     *         "metadata": {
                     *           "protocol": "mqtt",
                     *           "payload": "json"
                     *         },
                     *         "value": "23.12",
                     *         "attr": "temperature"
                     *       },
                     *       {
                     *         "device_id": "b374a5",
                     *         "ts": "2018-02-14T13:41:33.306000Z",
                     *         "metadata": {
                     *           "protocol": "mqtt",
                     *           "payload": "json"
                     *         },
                     *         "value": "24.10",
                     *         "attr": "temperature"
                     *       }
                     *     ]
                     */
                    "application/json": (components["schemas"]["AttributeValue"][] | components["schemas"]["IntervalStatistics"][]) | {
                        [key: string]: components["schemas"]["AttributeValue"][] | components["schemas"]["IntervalStatistics"][];
                    };
                    "text/csv": string;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description There is no history of this device, or of this attribute */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "title": "Device not found",
                     *       "description": "No data for the given device could be found"
                     *     }
                     */
                    "application/json": {
                        /** @enum {string} */
                        title: "Device not found" | "Attr not found";
                        /** @enum {string} */
                        description: "No data for the given device could be found" | "No data for the given attribute could be found";
                    };
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getLatestValues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every device below the gateway */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        deviceId: string;
                        /** @description Slug of its protocol */
                        protocol: string;
                        /** @description By attribute */
                        values: {
                            [key: string]: {
                                /** @description Any JSON */
                                value: unknown;
                                /**
                                 * Format: date-time
                                 * @description When it was measured; ISO 8601
                                 */
                                ts: string;
                                /**
                                 * @description Where the box had no right clock when it was measured: `unsure`, `ts` will be put right; `estimated`, `ts` is the latest that it can have been
                                 * @enum {string}
                                 */
                                clock?: "unsure" | "estimated";
                            };
                        };
                    }[];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    setDevice: {
        parameters: {
            query?: {
                /** @description For HTTP devices: every parameter counts as it came */
                parameters?: {
                    [key: string]: string | string[];
                };
            };
            header?: {
                /** @description `wait=10`: for how many seconds the device may take, 1 to 60 (20 where nothing is said), the time in its queue included */
                Prefer?: string;
                /** @description HTTP devices only, and required for them: the path to call, such as /relay/0 */
                "instathings-path"?: string;
                /** @description HTTP devices only, and required for them: the method to call it with */
                "instathings-method"?: string;
                /** @description New for each command: a repeat under it gets the outcome of the first */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "state": "TOGGLE"
                 *     }
                 */
                "application/json": unknown;
            };
        };
        responses: {
            /** @description The device has taken it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `deviceTimeout`, `deviceRefused`, `addonUnavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "deviceTimeout" | "deviceRefused" | "addonUnavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    askStatus: {
        parameters: {
            query?: {
                /** @description For HTTP devices: every parameter counts as it came */
                parameters?: {
                    [key: string]: string | string[];
                };
            };
            header?: {
                /** @description `wait=10`: for how many seconds the device may take, 1 to 60 (20 where nothing is said), the time in its queue included */
                Prefer?: string;
                /** @description HTTP devices only, and required for them: the path to call, such as /relay/0 */
                "instathings-path"?: string;
                /** @description HTTP devices only, and required for them: the method to call it with */
                "instathings-method"?: string;
            };
            path: {
                /** @description Id of a device */
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": unknown;
            };
        };
        responses: {
            /** @description The device is asked */
            202: {
                headers: {
                    /** @description Where it is to be found */
                    Location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    fetchStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id in the `Location` of a status request */
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the device answered, or why it did not */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "projectId": "jmdpqpZf",
                     *       "response": {
                     *         "state": "ON",
                     *         "brightness": 254,
                     *         "color": {
                     *           "x": 0.3068,
                     *           "y": 0.4143
                     *         },
                     *         "linkquality": 110,
                     *         "color_temp": 155
                     *       },
                     *       "ttl": 1583243464,
                     *       "deviceId": "BSQuiDVl",
                     *       "id": "IVdtfGYi"
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /** @description It has not answered yet */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "pending"
                     *     }
                     */
                    "application/json": {
                        /** @constant */
                        status: "pending";
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    listProtocols: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every protocol, installed or not */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "id": "vRy6GTde",
                     *         "name": "Zigbee",
                     *         "slug": "zigbee",
                     *         "status": "installed",
                     *         "state": "running",
                     *         "version": "1.0.0",
                     *         "parameters": {
                     *           "type": "object",
                     *           "properties": {
                     *             "port": {
                     *               "type": "string"
                     *             }
                     *           }
                     *         }
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["Protocol"][];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    registerAddon: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    id: string;
                    slug: string;
                    name: string;
                    /** @default  */
                    description?: string;
                    contract: number;
                    version: string;
                    /** @default false */
                    preinstalled?: boolean;
                    /**
                     * @description Any JSON object
                     * @default {
                     *       "type": "object"
                     *     }
                     */
                    parameters?: Record<string, never>;
                    /** @default [] */
                    types?: {
                        addOn?: string;
                        description: string;
                        fakeSampleLabel?: string;
                        id: string;
                        manufacturer: string;
                        model: string;
                        /** @default [] */
                        pairingMethods?: string[];
                        /** @default [] */
                        physicalParameter?: string[];
                        /** @default [] */
                        protocols?: string[];
                        /** @default [] */
                        rooms?: string[];
                        /** @default [] */
                        space?: string[];
                        /** @default sensor */
                        type?: string;
                        features?: string[];
                        /** @description Any JSON object */
                        settable?: Record<string, never>;
                        /** @description Any JSON object */
                        parameters?: Record<string, never>;
                    }[] | {
                        file: string;
                        settable?: string;
                        /** @default {} */
                        defaults?: {
                            addOn?: string;
                            /** @description Any JSON object */
                            parameters?: Record<string, never>;
                        };
                    };
                    actions?: {
                        [key: string]: {
                            title?: string;
                            description?: string;
                            /**
                             * @description Any JSON object
                             * @default {
                             *       "type": "object"
                             *     }
                             */
                            parameters?: Record<string, never>;
                            /**
                             * @default admin
                             * @enum {string}
                             */
                            scope?: "control" | "admin";
                            /** @default 20 */
                            timeoutSeconds?: number;
                        };
                    };
                    runtime: {
                        process?: {
                            entry: string;
                            /** @default 128 */
                            memoryMb?: number;
                        };
                        container?: {
                            image: string;
                            /** @default [] */
                            devices?: ({
                                path: string;
                            } | {
                                parameter: string;
                            })[];
                            /** @default [] */
                            ports?: {
                                container: number;
                                host?: number;
                                parameter?: string;
                                /**
                                 * @default tcp
                                 * @enum {string}
                                 */
                                protocol?: "tcp" | "udp";
                            }[];
                            /** @default /data */
                            dataPath?: string;
                            /**
                             * @default [
                             *       "/tmp"
                             *     ]
                             */
                            tmpfs?: string[];
                            /** @default false */
                            uploads?: boolean;
                            /** @default 128 */
                            memoryMb?: number;
                            /** @default 100 */
                            cpuPercent?: number;
                            /** @default 64 */
                            pids?: number;
                            /** @default {} */
                            environment?: {
                                [key: string]: string;
                            };
                            service?: {
                                port: number;
                                /** @default / */
                                path?: string;
                            };
                        };
                        external?: Record<string, never>;
                    };
                };
            };
        };
        responses: {
            /** @description The new protocol */
            201: {
                headers: {
                    /** @description Where it is to be found */
                    Location: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        name: string;
                        /** @description The name of its add-on */
                        slug: string;
                        /** @enum {string} */
                        status: "notInstalled" | "installing" | "installed" | "updating" | "removing" | "failed";
                        /**
                         * @description How its add-on is doing
                         * @enum {string}
                         */
                        state: "stopped" | "starting" | "running" | "degraded" | "failed";
                        reason?: string;
                        /** @description Of its add-on */
                        version: string;
                        /** @description What it runs, where it is installed as a container */
                        image?: {
                            name: string;
                            /** @description The registry’s name of just this content */
                            digest?: string;
                        };
                        /** @description What its add-on can be asked to do, by name */
                        actions?: {
                            [key: string]: {
                                title?: string;
                                description?: string;
                                /**
                                 * @description Any JSON object
                                 * @default {
                                 *       "type": "object"
                                 *     }
                                 */
                                parameters: Record<string, never>;
                                /**
                                 * @default admin
                                 * @enum {string}
                                 */
                                scope: "control" | "admin";
                                /** @default 20 */
                                timeoutSeconds: number;
                            };
                        };
                        /** @description The JSON Schema of what it is installed with */
                        parameters: Record<string, never>;
                        /** @description Of these parameters: those that name a device of the box, such as a serial port */
                        devicePaths?: string[];
                        /** @description While its image is fetched */
                        progress?: {
                            layers: number;
                            layersDone: number;
                            bytes: number;
                            totalBytes: number;
                        };
                        /** @description The gateway’s broker: `mqtt://host:port` */
                        brokerUrl?: string;
                        /** @description User name and MQTT client id */
                        addon?: string;
                        /** @description The password; shown this once */
                        token?: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getProtocol: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The protocol */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "vRy6GTde",
                     *       "name": "Zigbee",
                     *       "slug": "zigbee",
                     *       "status": "installed",
                     *       "state": "running",
                     *       "version": "1.0.0",
                     *       "parameters": {
                     *         "type": "object",
                     *         "properties": {
                     *           "port": {
                     *             "type": "string"
                     *           }
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Protocol"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    forgetAddon: {
        parameters: {
            query?: {
                /** @description Although it has devices: they stay */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Taken away */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    updateProtocol: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    version?: string;
                    image?: string;
                };
            };
        };
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Protocol"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    installProtocol: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "parameters": {}
                 *     }
                 */
                "application/json": {
                    /**
                     * @description Any JSON object
                     * @default {}
                     */
                    parameters?: Record<string, never>;
                    image?: string;
                };
            };
        };
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    /** @description How long the answer may be kept */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        name: string;
                        /** @description The name of its add-on */
                        slug: string;
                        /** @enum {string} */
                        status: "notInstalled" | "installing" | "installed" | "updating" | "removing" | "failed";
                        /**
                         * @description How its add-on is doing
                         * @enum {string}
                         */
                        state: "stopped" | "starting" | "running" | "degraded" | "failed";
                        reason?: string;
                        /** @description Of its add-on */
                        version: string;
                        /** @description What it runs, where it is installed as a container */
                        image?: {
                            name: string;
                            /** @description The registry’s name of just this content */
                            digest?: string;
                        };
                        /** @description What its add-on can be asked to do, by name */
                        actions?: {
                            [key: string]: {
                                title?: string;
                                description?: string;
                                /**
                                 * @description Any JSON object
                                 * @default {
                                 *       "type": "object"
                                 *     }
                                 */
                                parameters: Record<string, never>;
                                /**
                                 * @default admin
                                 * @enum {string}
                                 */
                                scope: "control" | "admin";
                                /** @default 20 */
                                timeoutSeconds: number;
                            };
                        };
                        /** @description The JSON Schema of what it is installed with */
                        parameters: Record<string, never>;
                        /** @description Of these parameters: those that name a device of the box, such as a serial port */
                        devicePaths?: string[];
                        /** @description While its image is fetched */
                        progress?: {
                            layers: number;
                            layersDone: number;
                            bytes: number;
                            totalBytes: number;
                        };
                        /** @description The gateway’s broker: `mqtt://host:port` */
                        brokerUrl?: string;
                        /** @description User name and MQTT client id */
                        addon?: string;
                        /** @description The password; shown this once */
                        token?: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    removeProtocol: {
        parameters: {
            query?: {
                /** @description Although it has devices: they stay */
                force?: boolean;
                /** @description The data of its container too */
                data?: boolean;
            };
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Protocol"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    renewAddonToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The login */
            201: {
                headers: {
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AddonLogin"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    revokeAddonToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Void */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    beginAction: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
                /** @description Name of an action of the protocol */
                action: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    /** @description Where it is to be found */
                    Location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    scanForDevices: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it has found */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Candidate"][];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `addonUnavailable`, `deviceTimeout`, `deviceRefused` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "addonUnavailable" | "deviceTimeout" | "deviceRefused";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    sendFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description It is there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description The name that an action of the add-on takes */
                        file: string;
                        /** @description How many have come */
                        bytes: number;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    importDevices: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug of a protocol */
                protocolId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    devices: {
                        /** @description What it is known by when it is imported again */
                        key: string;
                        name: string;
                        type: string;
                        /**
                         * @description Any JSON object
                         * @default {}
                         */
                        parameters?: Record<string, never>;
                    }[];
                    /**
                     * @description Pair what is new, changed, or not paired yet
                     * @default true
                     */
                    pair?: boolean;
                };
            };
        };
        responses: {
            /** @description What became of each, in their order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        devices: {
                            key: string;
                            /** @enum {string} */
                            outcome: "created" | "changed" | "unchanged" | "refused";
                            deviceId?: string;
                            /** @description Why it was refused */
                            reason?: {
                                code: string;
                                message: string;
                                hint?: string;
                            };
                        }[];
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    listTypeNames: {
        parameters: {
            query?: never;
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The names */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        manufacturer: string;
                        model: string;
                        description: string;
                        /** @description Slug of the protocol that speaks to it */
                        protocol: string;
                    }[];
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    listTypes: {
        parameters: {
            query?: {
                /** @description Words, all of which are in manufacturer, model or description */
                q?: string;
                /** @description That manufacturer; case does not matter */
                manufacturer?: string;
                /** @description Id or slug of a protocol */
                protocol?: string;
                /** @description From 1; without it, every type */
                page?: number;
                /** @description Types on one page */
                perPage?: number;
            };
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The types */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "addOn": "@instathings/gate-addon-zigbee",
                     *         "description": "Hue white and color ambiance",
                     *         "fakeSampleLabel": "onoff",
                     *         "id": "4023br5d-9f88-4f31-97c2-0e682aef543f",
                     *         "manufacturer": "Philips",
                     *         "model": "9290012573A",
                     *         "pairingMethods": [
                     *           "touchlink"
                     *         ],
                     *         "physicalParameter": [],
                     *         "protocols": [
                     *           "vRy6GTde"
                     *         ],
                     *         "rooms": [
                     *           "closed-office",
                     *           "meeting-room",
                     *           "toilet",
                     *           "archive",
                     *           "living-room",
                     *           "bedroom",
                     *           "kitchen",
                     *           "open-space"
                     *         ],
                     *         "space": [
                     *           "workspace",
                     *           "home"
                     *         ],
                     *         "type": "sensor"
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["DeviceType"][];
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getType: {
        parameters: {
            query?: never;
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path: {
                /** @description Id of a device type */
                typeId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The type */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "addOn": "@instathings/gate-addon-zigbee",
                     *       "description": "Hue white and color ambiance",
                     *       "fakeSampleLabel": "onoff",
                     *       "id": "4023br5d-9f88-4f31-97c2-0e682aef543f",
                     *       "manufacturer": "Philips",
                     *       "model": "9290012573A",
                     *       "pairingMethods": [
                     *         "touchlink"
                     *       ],
                     *       "physicalParameter": [],
                     *       "protocols": [
                     *         "vRy6GTde"
                     *       ],
                     *       "rooms": [
                     *         "closed-office",
                     *         "meeting-room",
                     *         "toilet",
                     *         "archive",
                     *         "living-room",
                     *         "bedroom",
                     *         "kitchen",
                     *         "open-space"
                     *       ],
                     *       "space": [
                     *         "workspace",
                     *         "home"
                     *       ],
                     *       "type": "sensor"
                     *     }
                     */
                    "application/json": {
                        /** @description Package name of the add-on */
                        addOn: string;
                        description: string;
                        /** @description What a virtual device of this type generates */
                        fakeSampleLabel: string;
                        id: string;
                        manufacturer: string;
                        model: string;
                        pairingMethods: string[];
                        physicalParameter: string[];
                        protocols: string[];
                        rooms: string[];
                        space: string[];
                        type: string;
                        features?: string[];
                        /** @description Any JSON object */
                        parameters?: Record<string, never>;
                        /** @description JSON Schema of the values that its devices can be told (docs/specs/addon-contract.md) */
                        settable?: Record<string, never>;
                    };
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getLogs: {
        parameters: {
            query?: {
                /** @description First moment, inclusive; only together with "end"; milliseconds since 1970 */
                start?: number;
                /** @description Last moment, inclusive; only together with "start"; milliseconds since 1970 */
                end?: number;
            };
            header?: never;
            path: {
                /** @description Id of a device */
                deviceId: string;
                /** @description `gate`, or the slug of an add-on */
                containerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The lines */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "timestamp": 1586861375901,
                     *         "type": "LOG",
                     *         "message": "2020-04-14T10:49:35.884Z gate Connecting...\n",
                     *         "ingestionTime": 1586861382077
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["LogLine"][];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getMaintenance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As it stands */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        gateway: {
                            id: string;
                            projectId: string;
                            /** @description Of gate */
                            version: string;
                            /** @description The Node that runs it */
                            node: string;
                            /** @description As Node calls it */
                            architecture: string;
                            /** @description When it was started; milliseconds since 1970 */
                            startedAt: number;
                            /** @description Whether it was installed so that it can update itself */
                            canUpdate: boolean;
                        };
                        backup: {
                            /** @enum {string} */
                            state: "none" | "running" | "ready" | "failed";
                            /** @description What is done just now */
                            phase?: string;
                            /** @description How many are done, or how large it is */
                            bytes?: number;
                            /** @description Of how many */
                            totalBytes?: number;
                            /** @description Whether the readings are in it */
                            readings?: boolean;
                            /** @description How many there are in it */
                            files?: number;
                            /** @description When it began, was taken or failed; milliseconds since 1970 */
                            ts?: number;
                            /** @description Why it failed */
                            reason?: {
                                code: string;
                                message: string;
                                hint?: string;
                            };
                        };
                        restore: {
                            /** @enum {string} */
                            state: "none" | "receiving" | "checking" | "checked" | "applying" | "applied" | "failed";
                            /** @description What is done just now */
                            phase?: string;
                            /** @description How many are done, or how large it is */
                            bytes?: number;
                            /** @description Of how many */
                            totalBytes?: number;
                            /** @description Of the gate that made the backup */
                            version?: string;
                            /** @description When the backup was taken; milliseconds since 1970 */
                            takenAt?: number;
                            /** @description Whether the readings are in it */
                            readings?: boolean;
                            /** @description How many there are in it */
                            files?: number;
                            /** @description When it was put in place, or failed; milliseconds since 1970 */
                            ts?: number;
                            /** @description The folder with what was there before, in the data folder and in that of the settings */
                            aside?: string;
                            /** @description Why it failed */
                            reason?: {
                                code: string;
                                message: string;
                                hint?: string;
                            };
                        };
                        update: {
                            /** @enum {string} */
                            state: "idle" | "fetching" | "underWay" | "failed";
                            /** @description What is done just now */
                            phase?: string;
                            /** @description How many are done, or how large it is */
                            bytes?: number;
                            /** @description Of how many */
                            totalBytes?: number;
                            /** @description The release that is wanted, where it is known */
                            to?: string;
                            /** @description Why it failed */
                            reason?: {
                                code: string;
                                message: string;
                                hint?: string;
                            };
                            /** @description How the last one ended */
                            last?: {
                                from: string;
                                /** @description The release that was asked for; empty where it never came to be known */
                                version: string;
                                /** @description Why it does not run */
                                failure?: string;
                                /** @description When it ended; milliseconds since 1970 */
                                ts: number;
                            };
                        };
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    listSerialPorts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The ports */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description What lasts, whatever plug it is in; in `/dev/serial/by-id` where there is such a name */
                        path: string;
                        /** @description The kernel’s name at present */
                        device: string;
                        /** @description Maker and product */
                        name?: string;
                    }[];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    beginBackup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Encrypts the backup; nobody but you knows it afterwards */
                    passphrase?: string;
                    /** @description Of age, in place of a passphrase */
                    recipient?: string;
                    /**
                     * @description With the readings too
                     * @default false
                     */
                    readings?: boolean;
                };
            };
        };
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        state: "none" | "running" | "ready" | "failed";
                        /** @description What is done just now */
                        phase?: string;
                        /** @description How many are done, or how large it is */
                        bytes?: number;
                        /** @description Of how many */
                        totalBytes?: number;
                        /** @description Whether the readings are in it */
                        readings?: boolean;
                        /** @description How many there are in it */
                        files?: number;
                        /** @description When it began, was taken or failed; milliseconds since 1970 */
                        ts?: number;
                        /** @description Why it failed */
                        reason?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    dropBackup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    fetchBackup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The encrypted file, in the format of age */
            200: {
                headers: {
                    /** @description The name of the file */
                    "Content-Disposition": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    sendBackup: {
        parameters: {
            query?: {
                /** @description Where this piece begins; 0 begins anew */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description It is there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description How many have come: the next piece begins there */
                        bytes: number;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    checkBackup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description What the backup was encrypted with */
                    passphrase?: string;
                    /** @description Of age, in place of a passphrase: AGE-SECRET-KEY-1… */
                    identity?: string;
                };
            };
        };
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        state: "none" | "receiving" | "checking" | "checked" | "applying" | "applied" | "failed";
                        /** @description What is done just now */
                        phase?: string;
                        /** @description How many are done, or how large it is */
                        bytes?: number;
                        /** @description Of how many */
                        totalBytes?: number;
                        /** @description Of the gate that made the backup */
                        version?: string;
                        /** @description When the backup was taken; milliseconds since 1970 */
                        takenAt?: number;
                        /** @description Whether the readings are in it */
                        readings?: boolean;
                        /** @description How many there are in it */
                        files?: number;
                        /** @description When it was put in place, or failed; milliseconds since 1970 */
                        ts?: number;
                        /** @description The folder with what was there before, in the data folder and in that of the settings */
                        aside?: string;
                        /** @description Why it failed */
                        reason?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    dropRestore: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    applyBackup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is ordered, and the gateway restarts */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        state: "none" | "receiving" | "checking" | "checked" | "applying" | "applied" | "failed";
                        /** @description What is done just now */
                        phase?: string;
                        /** @description How many are done, or how large it is */
                        bytes?: number;
                        /** @description Of how many */
                        totalBytes?: number;
                        /** @description Of the gate that made the backup */
                        version?: string;
                        /** @description When the backup was taken; milliseconds since 1970 */
                        takenAt?: number;
                        /** @description Whether the readings are in it */
                        readings?: boolean;
                        /** @description How many there are in it */
                        files?: number;
                        /** @description When it was put in place, or failed; milliseconds since 1970 */
                        ts?: number;
                        /** @description The folder with what was there before, in the data folder and in that of the settings */
                        aside?: string;
                        /** @description Why it failed */
                        reason?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    sendRelease: {
        parameters: {
            query?: {
                /** @description Where this piece begins; 0 begins anew */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description `archive`, `checksum` or `signature` */
                part: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description It is there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description How many have come: the next piece begins there */
                        bytes: number;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    beginUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    version?: string;
                    /** @description Of the archive; UPDATE_URLS must have it */
                    url?: string;
                    /**
                     * @description What was sent before
                     * @constant
                     */
                    sent?: true;
                };
            };
        };
        responses: {
            /** @description Begun */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        state: "idle" | "fetching" | "underWay" | "failed";
                        /** @description What is done just now */
                        phase?: string;
                        /** @description How many are done, or how large it is */
                        bytes?: number;
                        /** @description Of how many */
                        totalBytes?: number;
                        /** @description The release that is wanted, where it is known */
                        to?: string;
                        /** @description Why it failed */
                        reason?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                        /** @description How the last one ended */
                        last?: {
                            from: string;
                            /** @description The release that was asked for; empty where it never came to be known */
                            version: string;
                            /** @description Why it does not run */
                            failure?: string;
                            /** @description When it ended; milliseconds since 1970 */
                            ts: number;
                        };
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getNotifications: {
        parameters: {
            query?: {
                /** @description Its id */
                msgID?: string;
                /** @description What kind of thing was noticed */
                subject?: string;
                message?: string;
                level?: number;
                shouldPersist?: boolean;
                /** @description The device it is about */
                deviceId?: string;
                /** @description Slug of the add-on it is about */
                addon?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The notifications */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "notifications": [
                     *         {
                     *           "msgID": "0caa7ff1-c6c2-4171-8a58-6f6cf8e137d8",
                     *           "metaAttrsFilter": {
                     *             "level": 3,
                     *             "shouldPersist": true
                     *           },
                     *           "message": "Something went wrong.",
                     *           "subject": "user_notification",
                     *           "ts": "2019-02-20T17:17:52.863000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        notifications: components["schemas"]["Notification"][];
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "clientId": "yourClientId",
                 *       "clientSecret": "yourClientSecret"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    grant_type?: "client_credentials";
                    clientId?: string;
                    clientSecret?: string;
                    /** @description Names separated by spaces: for a token of fewer scopes */
                    scope?: string;
                };
                "application/x-www-form-urlencoded": {
                    /** @constant */
                    grant_type: "client_credentials";
                    client_id?: string;
                    client_secret?: string;
                    /** @description Names separated by spaces: for a token of fewer scopes */
                    scope?: string;
                };
            };
        };
        responses: {
            /** @description The token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
                     *       "token_type": "Bearer",
                     *       "expires_in": 3600
                     *     }
                     */
                    "application/json": {
                        /** @description A JSON Web Token: for `Authorization: Bearer` */
                        access_token: string;
                        /** @constant */
                        token_type: "Bearer";
                        /** @description Seconds */
                        expires_in: number;
                        /** @description Where it was asked for */
                        scope?: string;
                    };
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    listClients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The clients, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Client"][];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    addClient: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "wall panel",
                 *       "scopes": [
                 *         "control"
                 *       ]
                 *     }
                 */
                "application/json": {
                    name: string;
                    scopes: ("read" | "control" | "admin")[];
                };
            };
        };
        responses: {
            /** @description The new client */
            201: {
                headers: {
                    /** @description Where it is to be found */
                    Location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewClientCredentials"];
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            /** @description An error: `conflict` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "conflict";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `tooLarge` */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "tooLarge";
                    } & components["schemas"]["Error"];
                };
            };
            /** @description An error: `unsupportedMediaType` */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unsupportedMediaType";
                    } & components["schemas"]["Error"];
                };
            };
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    removeClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a client */
                clientId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    voidTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a client */
                clientId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Void */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
            /** @description An error: `unavailable` */
            503: {
                headers: {
                    /** @description Seconds after which to try again */
                    "Retry-After": number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "unavailable";
                    } & components["schemas"]["Error"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getAsyncApi: {
        parameters: {
            query?: never;
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    /** @description What the page may load */
                    "Content-Security-Policy": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getEventDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    /** @description What the page may load */
                    "Content-Security-Policy": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getDocsFile: {
        parameters: {
            query?: {
                /** @description Its tag, as the page names it: then it may be kept for good */
                v?: string;
            };
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path: {
                /** @description Name of a file of the page */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                    "text/css": string;
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getDashboard: {
        parameters: {
            query?: never;
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    /** @description What the page may load */
                    "Content-Security-Policy": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
    getDashboardFile: {
        parameters: {
            query?: never;
            header?: {
                /** @description Entity tags of what the caller has: answered 304 where one is good */
                "If-None-Match"?: string;
            };
            path: {
                /** @description Name of a file of the page */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                    "text/css": string;
                    "image/svg+xml": string;
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    /** @description Changes with the body: for `If-None-Match` */
                    ETag: string;
                    /** @description How long the answer may be kept */
                    "Cache-Control": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["badRequest"];
            401: components["responses"]["unauthorized"];
            403: components["responses"]["forbidden"];
            /** @description An error: `notFound` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        code?: "notFound";
                    } & components["schemas"]["Error"];
                };
            };
            406: components["responses"]["notAcceptable"];
            429: components["responses"]["tooManyRequests"];
            431: components["responses"]["headersTooLarge"];
            500: components["responses"]["internal"];
        };
    };
}
