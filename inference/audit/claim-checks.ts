import type { ScoredOutput } from '../engine.ts'
import type { AuditClaim, ClaimCheck } from './assessment.ts'

/**
 * Whether an output ended for the reason its receipt says. `wrong` only where no honest node could have said so; a token
 * that ended the turn though another was likelier is evidence like any other token, not a contradiction.
 */
export function checkStop(scored: ScoredOutput, claim: AuditClaim): ClaimCheck {
  const { ending, states } = scored
  const { outputTokens, contextTokens, reason } = claim
  // A continuation may turn out to have been whole already; and what ends at a grammar's end is not seen here.
  if (outputTokens === 0 || (claim.sampler === 'engine' && ending === null)) return 'unknown'
  const isWhole = reason === 'stop' || reason === 'stop_string' || reason === 'length'
  if (ending === null) {
    if (reason !== 'length') return isWhole ? 'wrong' : 'unknown'
    if (contextTokens === null) return 'unknown'
    return scored.promptTokens + outputTokens >= contextTokens ? 'right' : 'wrong'
  }
  if (ending.tokens !== outputTokens) return 'wrong'
  if (!isWhole) return 'unknown'
  if (ending.reason !== reason) return 'wrong'
  return reason === 'stop' && states.at(-1) !== 0 ? 'unknown' : 'right'
}

export function checkPrompt(scored: ScoredOutput, claim: AuditClaim): ClaimCheck {
  if (claim.promptTokens !== null && claim.promptTokens !== scored.promptTokens) return 'wrong'
  if (claim.promptDigest === null) return 'unknown'
  return claim.promptDigest === scored.promptDigest ? 'right' : 'wrong'
}

/** Tokens may end inside a character, which is spelled in different ways, and a detokeniser may take or leave a space at the start. */
export function checkText(scored: ScoredOutput, claim: AuditClaim): ClaimCheck {
  if (claim.text === null) return 'unknown'
  const [spelled, delivered] = [plain(scored.text), plain(claim.text)]
  if (spelled === delivered) return 'right'
  // An answer that was broken off may have delivered less than was made.
  return spelled.startsWith(delivered) ? 'unknown' : 'wrong'
}

function plain(text: string): string {
  return text.replaceAll('\uFFFD', '').trimStart()
}
