import type { GenuineEvidence } from './evidence.ts'

type Claims = Pick<GenuineEvidence, 'shows' | 'doesNotShow'>

/** What no attestation of a node shows, whatever the hardware. */
const NEVER_SHOWN = [
  'that the software is free of faults, or does with your data what you expect: read it before you list its measurement',
  'that the node key is known in there alone: keeping it, and vouching for no other, is up to the measured software',
  'that its answers come from the model it names, where the model is not part of the measurement: audits show that',
  'that nothing leaks by timing, power, traffic, or a flaw of the processor that is not known yet',
]

export const NITRO_CLAIMS: Claims = {
  shows: [
    'that an AWS Nitro hypervisor signed this for one enclave, after the challenge was made',
    'which image, kernel and application the enclave was started with (PCR0 to PCR2), not in debug mode',
    'that this software had it made for this node key, which a peer proves to hold when it connects',
  ],
  doesNotShow: [
    'anything against AWS: its hypervisor, hardware and certificates are what is trusted',
    'that no certificate was revoked: AWS publishes no list for them',
    ...NEVER_SHOWN,
  ],
}

export const SEV_SNP_CLAIMS: Claims = {
  shows: [
    'that an AMD processor with that firmware signed this for one guest, after the challenge was made',
    'what was in the guest’s memory when it started (the measurement), not in debug mode, not to be migrated',
    'that this guest had it made for this node key, which a peer proves to hold when it connects',
  ],
  doesNotShow: [
    'anything against AMD, or against who has the machine in hand and attacks the chip or its memory bus',
    'what the guest loaded after its start, unless what was measured checks that (kernel, command line, disk)',
    'that no certificate was revoked: no list is fetched; firmware with known flaws is kept out by the least versions you set',
    ...NEVER_SHOWN,
  ],
}
