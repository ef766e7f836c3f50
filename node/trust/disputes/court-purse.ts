import pLimit from 'p-limit'
import type { Bytes32 } from '../../../protocol/ids.ts'
import { formatCredits } from '../../../protocol/money.ts'
import type { CourtReader } from '../../chain/court.ts'
import { encodeCall, type Publisher } from '../../chain/publisher.ts'
import type { RecordedCalls } from '../../chain/recorded-calls.ts'
import type { PayerChannels } from '../../payments/payer-channels.ts'
import type { Wallet } from '../../payments/wallet.ts'
import { DisputeError } from './errors.ts'

export interface CourtPurseModules {
  court: CourtReader
  publisher: Pick<Publisher, 'submit'>
  calls: RecordedCalls
  wallet: Wallet
  /** Whose funding must not take the bond meanwhile. */
  channels: Pick<PayerChannels, 'apart'>
  randomId: () => string
}

/** The wallet's money in the court: bonds in, what is owed out. */
export class CourtPurse {
  readonly #modules: CourtPurseModules
  readonly #one = pLimit(1)

  constructor(modules: CourtPurseModules) {
    this.#modules = modules
  }

  /** Base units the court owes us. */
  owed(): Promise<bigint> {
    return this.#modules.court.owedTo(this.#modules.wallet.address)
  }

  /**
   * Lets the court pull a bond and does what pulls it, with nothing of ours in between. The court is allowed that much
   * and no more.
   * @throws {DisputeError} BOND_MISSING, BOND_GAS_MISSING
   */
  pledge<T>(bond: bigint, pull: () => Promise<T>): Promise<T> {
    const { court, publisher, wallet, channels, randomId } = this.#modules
    return this.#one(() =>
      channels.apart(async () => {
        const allowance = await court.allowance(wallet.address)
        if (allowance < bond) {
          const balance = await court.balanceOf(wallet.address)
          if (balance < bond) throw bondMissing(bond, balance, wallet.address)
          const outcome = await publisher.submit({
            id: `court:approve:${randomId()}`,
            contract: 'creditToken',
            data: encodeCall('creditToken', 'approve', [await court.address(), bond]),
          })
          if (outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money')
            throw gasMissing(wallet.address)
        }
        return await pull()
      }),
    )
  }

  /**
   * Moves to the wallet what the court owes us.
   * @returns null when it owes nothing
   * @throws {DisputeError} BOND_GAS_MISSING, COURT_REFUSED
   */
  withdraw(): Promise<{ transaction: Bytes32; amount: bigint } | null> {
    const { calls, wallet, randomId } = this.#modules
    return this.#one(async () => {
      const amount = await this.owed()
      const underWay = await calls.underWay('court:withdraw:')
      if (amount === 0n && underWay === null) return null
      const outcome = await calls.run({
        id: underWay ?? `court:withdraw:${randomId()}`,
        contract: 'court',
        data: encodeCall('court', 'withdraw', []),
        event: { kind: 'court.withdrawn', v: 1 },
      })
      if (outcome.status === 'confirmed') return { transaction: outcome.hash, amount }
      if (outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money')
        throw gasMissing(wallet.address)
      throw new DisputeError('COURT_REFUSED', 'the court did not pay out what it owes', {
        fix: 'Try again; if it stays so, look at the transaction.',
      })
    })
  }
}

function bondMissing(bond: bigint, balance: bigint, wallet: string): DisputeError {
  return new DisputeError(
    'BOND_MISSING',
    `the bond is ${formatCredits(bond)} credits; the wallet has ${formatCredits(balance)}`,
    {
      fix: `Send at least ${formatCredits(bond - balance)} credits to ${wallet}; shoal wallet withdraw moves there what Settlement holds.`,
      details: { wallet, bond: formatCredits(bond), owned: formatCredits(balance) },
    },
  )
}

export function gasMissing(wallet: string): DisputeError {
  return new DisputeError('BOND_GAS_MISSING', 'the wallet has no gas money for the transaction', {
    fix: `Send some of the chain's own coin to ${wallet}.`,
    details: { wallet },
  })
}
