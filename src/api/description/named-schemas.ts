/** The schemas that the documents write once, under a name. */

import { reasonSchema } from '../../model/device.ts';
import { errorSchema } from '../error-table.ts';
import { clientSchema, newCredentialsSchema } from '../routes/authentication.ts';
import { operationSchema } from '../routes/control.ts';
import { readingSchema } from '../routes/device-readings.ts';
import { healthSchema } from '../routes/health.ts';
import { logLineSchema } from '../routes/logs.ts';
import { candidateSchema } from '../routes/protocol-actions.ts';
import { loginSchema, protocolSchema } from '../routes/protocols.ts';
import { availabilitySchema, deviceInListSchema, deviceSchema } from '../views/device-view.ts';
import { bucketSchema, valueSchema } from '../views/history-view.ts';
import { notificationSchema } from '../views/notification-view.ts';
import { typeViewSchema } from '../views/type-view.ts';

export const NAMED_SCHEMAS = {
  Error: errorSchema,
  Reason: reasonSchema,
  Availability: availabilitySchema,
  Device: deviceSchema,
  DeviceInList: deviceInListSchema,
  Reading: readingSchema,
  Operation: operationSchema,
  Protocol: protocolSchema,
  AddonLogin: loginSchema,
  Candidate: candidateSchema,
  DeviceType: typeViewSchema,
  LogLine: logLineSchema,
  AttributeValue: valueSchema,
  IntervalStatistics: bucketSchema,
  Notification: notificationSchema,
  Client: clientSchema,
  NewClientCredentials: newCredentialsSchema,
  Health: healthSchema,
};
