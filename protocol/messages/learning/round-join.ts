import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Address, CidString } from '../../ids.ts'
import { domainSchema, type HiddenValidation, hiddenValidationSchema, MAX_VALIDATION_SETS } from './common.ts'

/** Its signer takes part in a round; one a node and round. */
export interface RoundJoin {
  version: 1
  round: CidString
  wallet: Address
  /** What it counts with in this round, base units: the wallet must have at least so much at stake on chain. */
  stake: bigint
  /** Of its data. */
  domain: string
  /** Texts that it will give at the reveal, to measure updates with. */
  validation: HiddenValidation[]
}

export const roundJoinMessage: MessageDefinition<RoundJoin> = {
  type: 'round-join',
  maxBytes: 1_024,
  schema: z.strictObject({
    version: z.literal(1),
    round: wire.cid,
    wallet: wire.address,
    stake: wire.amount,
    domain: domainSchema,
    validation: z.array(hiddenValidationSchema).max(MAX_VALIDATION_SETS),
  }),
}
