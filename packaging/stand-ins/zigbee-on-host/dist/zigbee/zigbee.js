'use strict';
/**
 * The one function of `zigbee-on-host` that zigbee-herdsman uses for the coordinators that gate takes: the decryption of
 * Green Power frames. Written from IEEE 802.15.4-2020, Annex B (CCM*), because that package is under the GPL.
 * docs/decisions/0032-licences-of-a-release.md
 */
const { createDecipheriv } = require('node:crypto');

/** Length of the length field: fixed by Zigbee. */
const L = 2;
const NONCE_BYTES = 15 - L;

/**
 * @param {number} tagBytes M: the last bytes of `data` are the encrypted tag
 * @param {Buffer} key 16 bytes
 * @param {Buffer} nonce 13 bytes
 * @param {Buffer} data
 * @returns {[Buffer, Buffer]} the tag as it was made, and the plain text; the tag is not judged here
 */
function aes128CcmStar(tagBytes, key, nonce, data) {
  if (nonce.length !== NONCE_BYTES || data.length < tagBytes) throw new RangeError('no frame of CCM*');
  const end = data.length - tagBytes;
  return [keyed(key, nonce, 0, data.subarray(end)), keyed(key, nonce, 1, data.subarray(0, end))];
}

/** B.4.2: counter blocks A_i = flags ‖ nonce ‖ i; the tag is under A_0, the message from A_1 on. */
function keyed(key, nonce, counter, bytes) {
  const block = Buffer.concat([Buffer.from([L - 1]), nonce, Buffer.from([0, counter])]);
  return createDecipheriv('aes-128-ctr', key, block).update(bytes);
}

module.exports = { aes128CcmStar };
