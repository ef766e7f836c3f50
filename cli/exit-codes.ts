import { ShoalError } from '../protocol/errors.ts'

/** What the command line's exit status says; the same for every command. */
export const EXIT = {
  ok: 0,
  /** It was tried and failed; the message says why and what to do. */
  failed: 1,
  /** The command line or the configuration was not understood. */
  usage: 2,
  /** No node runs here. */
  notRunning: 3,
  /** Nobody could do the task. */
  noProvider: 4,
  /** Money is missing, or the limit does not allow it. */
  money: 5,
  /** What was to be checked is neither right nor wrong, as far as can be seen here. */
  undecided: 6,
  /** Interrupted, as shells count it (128 + SIGINT). */
  interrupted: 130,
  /** Whoever read the output has gone, as shells count it (128 + SIGPIPE). */
  noReader: 141,
} as const

const CODES: Readonly<Record<string, number>> = {
  CONFIG_UNKNOWN_SETTING: EXIT.usage,
  CONFIG_BAD_VALUE: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.usage,
  CONFIG_VERSION: EXIT.usage,
  CONTROL_BAD_REQUEST: EXIT.usage,
  USAGE: EXIT.usage,
  CONTRACTS_FILE_INVALID: EXIT.usage,
  EMISSION_FILE_INVALID: EXIT.usage,
  EMISSION_ROUNDS_INVALID: EXIT.usage,
  MODEL_NAME_INVALID: EXIT.usage,
  TRAINING_SETTINGS_INVALID: EXIT.usage,
  NODE_NOT_RUNNING: EXIT.notRunning,
  NO_PROVIDER: EXIT.noProvider,
  MODEL_NOT_OFFERED: EXIT.noProvider,
  KIND_NOT_OFFERED: EXIT.noProvider,
  NOTHING_FITS: EXIT.noProvider,
  TOO_EXPENSIVE: EXIT.noProvider,
  TOO_FEW_OPERATORS: EXIT.noProvider,
  NO_AGREEMENT: EXIT.noProvider,
  PROMPT_TOO_LONG: EXIT.noProvider,
  ALL_PROVIDERS_FAILED: EXIT.noProvider,
  BOND_LIMIT: EXIT.money,
  BOND_MISSING: EXIT.money,
  BOND_GAS_MISSING: EXIT.money,
  WALLET_EMPTY: EXIT.money,
  GAS_MONEY_MISSING: EXIT.money,
  SPENDING_LIMIT: EXIT.money,
  WITHDRAWAL_FAILED: EXIT.money,
  STAKE_TOO_SMALL: EXIT.money,
  DEPLOYMENT_WALLET_EMPTY: EXIT.money,
  EMISSION_BOND_MISSING: EXIT.money,
  EMISSION_GAS_MONEY_MISSING: EXIT.money,
  CANCELLED: EXIT.interrupted,
}

export function exitCodeOf(error: unknown): number {
  return error instanceof ShoalError ? (CODES[error.code] ?? EXIT.failed) : EXIT.failed
}
