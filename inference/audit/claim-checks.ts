import { StopStrings } from '../stop-strings.ts'
import type { AuditClaim, ClaimCheck } from './assessment.ts'
import type { ScoredOutput } from './scored-output.ts'

/**
 * Whether an output ended for the reason its receipt says. `wrong` only where no honest node could have said so; a token
 * that ended the turn though another was likelier is evidence like any other token, not a contradiction.
 */
export function checkStop(scored: ScoredOutput, claim: AuditClaim): ClaimCheck {
  const { outputTokens, maxTokens, contextTokens, reason } = claim
  if (outputTokens > maxTokens) return 'wrong'
  // A continuation may turn out to have been whole already.
  if (outputTokens === 0) return 'unknown'
  const stopped = firstStop(scored.text, claim.stop) !== null
  switch (reason) {
    case 'stop':
      if (!scored.endsTurn) return claim.sampler === 'engine' ? 'unknown' : 'wrong'
      if (stopped) return 'wrong'
      return scored.states.at(-1) === 0 ? 'right' : 'unknown'
    case 'length':
      if (stopped) return 'wrong'
      if (outputTokens === maxTokens) return 'right'
      if (contextTokens === null) return 'unknown'
      return scored.promptTokens + outputTokens >= contextTokens ? 'right' : 'wrong'
    case 'stop_string':
      // One that began in a part made by another is not seen here.
      return stopped ? 'right' : claim.text === null ? 'unknown' : 'wrong'
    default:
      return 'unknown'
  }
}

export function checkPrompt(scored: ScoredOutput, claim: AuditClaim): ClaimCheck {
  if (claim.promptTokens !== null && claim.promptTokens !== scored.promptTokens) return 'wrong'
  if (claim.promptDigest === null) return 'unknown'
  return claim.promptDigest === scored.promptDigest ? 'right' : 'wrong'
}

/** Tokens may end inside a character, which is spelled in different ways, and a detokeniser may take or leave a space at the very start. */
export function checkText(scored: ScoredOutput, claim: AuditClaim): ClaimCheck {
  if (claim.text === null) return 'unknown'
  const spelled = plain(firstStop(scored.text, claim.stop) ?? scored.text)
  const delivered = plain(claim.text)
  if (spelled === delivered) return 'right'
  // What came of an answer that was broken off may be less than was made.
  return spelled.startsWith(delivered) ? 'unknown' : 'wrong'
}

/** The text before the first stop string; null where there is none. */
function firstStop(text: string, stops: readonly string[]): string | null {
  const found = new StopStrings(stops).push(text)
  return found.stop === null ? null : found.text
}

function plain(text: string): string {
  return text.replaceAll('\uFFFD', '').trimStart()
}
