/** What goes through the air between two nodes, above the network layer. */
export interface Packet {
  clusterId: number;
  profileId: number;
  sourceEndpoint: number;
  destinationEndpoint: number;
  /** 0 where it is for one node. */
  groupId: number;
  broadcast: boolean;
  data: Buffer;
}
