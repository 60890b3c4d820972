/**
 * How far an interview has come, from what is known of the device: the library says that one failed, but not where, and
 * one with a mute device it may not end at all. The order is the library's (Zigbee, clause 2.4.3: the descriptors; ZCL
 * 3.2: basic; ZCL 8.2: IAS zone).
 */
export type InterviewStep =
  | 'nodeDescriptor'
  | 'activeEndpoints'
  | 'simpleDescriptor'
  | 'basicRead'
  | 'iasEnrol';

export interface InterviewedDevice {
  type: string;
  modelID?: string | undefined;
  endpoints: readonly {
    profileID?: number | undefined;
    inputClusters: readonly number[];
    outputClusters: readonly number[];
  }[];
}

const BASIC = 0x0000;
const IAS_ZONE = 0x0500;

export function stepReached({ type, modelID, endpoints }: InterviewedDevice): InterviewStep {
  if (type === 'Unknown') return 'nodeDescriptor';
  if (endpoints.length === 0) return 'activeEndpoints';
  const hasIas = endpoints.some(({ inputClusters }) => inputClusters.includes(IAS_ZONE));
  const undescribed = endpoints.some(
    ({ profileID, inputClusters, outputClusters }) =>
      profileID === undefined && inputClusters.length + outputClusters.length === 0,
  );
  // endpoints are described one after the other, each read and enrolled before the next
  if (undescribed) return 'simpleDescriptor';
  if (modelID === undefined || modelID === '') return 'basicRead';
  return hasIas ? 'iasEnrol' : 'basicRead';
}

/** It could say what model it is, and has not. */
export function tellsNoModel({ modelID, endpoints }: InterviewedDevice): boolean {
  return !modelID && endpoints.some(({ inputClusters }) => inputClusters.includes(BASIC));
}
