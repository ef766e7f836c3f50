/**
 * Bounds of everything that crosses a wire. A value outside them is refused before it is decoded or
 * stored. They are part of the protocol: raising one needs a new protocol version.
 */

/** CBOR nesting; deeper input is refused unread, since decoders recurse. */
export const MAX_CBOR_DEPTH = 16

export const MAX_MODELS_PER_OFFER = 16
export const MAX_ADDRESSES_PER_OFFER = 8
export const MAX_MULTIADDR_CHARS = 256
export const MAX_MODEL_NAME_CHARS = 64
export const MAX_ENTITIES_PER_OFFER = 16
export const MAX_TAGS_PER_ENTITY = 16
export const MAX_ENTITY_TEXT_CHARS = 64
export const MAX_SPOT_NOTICE_MS = 60_000
/** An offer that claims to be valid for longer is refused: a stale price must die by itself. */
export const MAX_OFFER_LIFETIME_MS = 10 * 60_000
/** How far into the future `issuedAtMs` may lie, for clocks that are ahead. */
export const MAX_CLOCK_SKEW_MS = 60_000
/** What an offer may ask to be left of a channel's life: money is not to be locked for years for one task. */
export const MAX_CHANNEL_REMAINING_MS = 30 * 24 * 3_600_000
export const MAX_OFFERS_PER_EXCHANGE = 64
/** Receipts in one report on others. */
export const MAX_RECEIPTS_PER_REPORT = 8
/** A document or report of an enclave, with its certificates: a Nitro document has about 5 kB, at most 20. */
export const MAX_ATTESTATION_BYTES = 32_768
/** Receipts whose place in a provider's log is asked for at once. */
export const MAX_RECEIPTS_PER_PROOF = 32
/** Siblings of a Merkle proof: logs are anchored in ranges of far fewer events than 2^32. */
export const MAX_PROOF_STEPS = 32
/** How long an auction waits for bids. */
export const MAX_BID_WINDOW_MS = 5_000

export const MAX_CHAT_MESSAGES = 256
/** UTF-8 bytes of one chat message, prompt or continuation. */
export const MAX_TEXT_BYTES = 1_048_576
/** Texts that one task embeds. */
export const MAX_EMBEDDED_TEXTS = 256
/** Numbers of one embedding; those of known models have up to 12,288. */
export const MAX_EMBEDDING_DIMENSIONS = 16_384
/** Bytes of the vectors in one frame. */
export const MAX_VECTOR_BYTES_PER_FRAME = 4 * MAX_EMBEDDING_DIMENSIONS
/** Likeliest tokens told beside each token of an output. */
export const MAX_LOGPROB_ALTERNATIVES = 20
/** UTF-8 bytes of one token's text; the longest of known vocabularies are runs of 256 spaces. */
export const MAX_TOKEN_TEXT_BYTES = 1_024
export const MAX_STOP_STRINGS = 8
export const MAX_STOP_STRING_BYTES = 128
export const MAX_JSON_SCHEMA_BYTES = 32_768
export const MAX_OUTPUT_TOKENS = 131_072
/** Candidates for a token that the reproducible sampler chooses among: the likeliest. */
export const MAX_SAMPLED_CANDIDATES = 64
/** Tokens in one `output` frame. */
export const MAX_TOKENS_PER_FRAME = 1_024
/** Tokens of the first window that a replica seals, small so that the first text comes soon; each next one has twice as many. */
export const FIRST_SEALED_WINDOW_TOKENS = 4
/** Tokens of the windows after that: half of the usual credit window, so that the next is made while one is opened and paid. */
export const MAX_SEALED_WINDOW_TOKENS = 32
/** Bytes of one frame on a task's stream: a request with a full-size prompt fits. */
export const MAX_TASK_FRAME_BYTES = 2_097_152
export const MAX_REASON_CHARS = 200

/** Tokens one side may be ahead of the other, prompt and output alike. */
export const DEFAULT_CREDIT_WINDOW_TOKENS = 64
export const MAX_CREDIT_WINDOW_TOKENS = 65_536

/** Greatest amount a message may carry: what a Solidity uint128 holds. */
export const MAX_AMOUNT = 2n ** 128n - 1n
