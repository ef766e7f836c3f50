import assert from 'node:assert/strict'
import { CREDIT } from '../../../protocol/money.ts'
import {
  DEFAULT_OPTIONS,
  expectedCounts,
  L1_PRICES,
  L2_PRICES,
  overheadTable,
  playLottery,
  type TicketGas,
  ticketOverhead,
  totalCost,
  transactionCost,
} from '../../../scripts/ticket-overhead.ts'

/** Round figures, each different, so that no two can be mistaken for each other. */
const GAS: TicketGas = {
  ...{
    approve: 1,
    fund: 10,
    topUp: 100,
    redeem: 1_000,
    redeemFirst: 10_000,
    redeem10: 5_000,
    redeem100: 40_000,
  },
  ...{ redeemFromReserve: 0, redeemIntoArrears: 0, collectArrears: 0 },
  ...{ startUnlock: 100_000, withdrawTickets: 1_000_000, withdraw: 10_000_000 },
  ...{ channelOpen: 2_000, channelSettle: 300, channelClose: 40 },
}
/** One gas costs one base unit. */
const PRICES = { name: 'unit', weiPerGas: 10n ** 18n, dataWeiPerTransaction: 0n, creditsPerCoin: 1n }
const SMALL = {
  ...DEFAULT_OPTIONS,
  prices: PRICES,
  requesters: 3,
  providers: 100,
  ticketsPerPair: 200,
  winProbability: 0.02,
}

describe('the simulation of ticket overhead', () => {
  it('prices a transaction in credits: gas, and data where a rollup charges it', () => {
    // 100,000 gas at 10 gwei are a thousandth of a coin, a coin being 3,000 credits.
    assert.equal(transactionCost(100_000, L1_PRICES), 3n * CREDIT)
    // At 0.02 gwei 2·10^-6 coins, and 2·10^-7 for data.
    assert.equal(transactionCost(100_000, L2_PRICES), (66n * CREDIT) / 10_000n)
  })

  it('counts every transaction that is sent', () => {
    const counts = { wins: 7, withdrawals: 2, fundings: 5 }
    const once = 1 + 10 + 100_000 + 1_000_000 + 10_000_000
    const expected = 3 * once + (5 - 3) * 100 + (7 - 2) * 1_000 + 2 * (10_000 + 10_000_000)
    assert.equal(totalCost(counts, 3, GAS, PRICES), BigInt(expected))
  })

  it('expects withdrawals as many as the distribution of wins says', () => {
    const options = { ...SMALL, requesters: 1, providers: 1, ticketsPerPair: 100, winProbability: 0.02 }
    // One withdrawal a win: as many as wins. One for all of them: the probability of any win.
    const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`)
    close(expectedCounts({ ...options, winsPerWithdrawal: 1 }).withdrawals, 2)
    close(expectedCounts({ ...options, winsPerWithdrawal: 1_000 }).withdrawals, 1 - Math.exp(-2))
    close(expectedCounts({ ...options, winsPerFunding: 1 }).fundings, 1 + (2 - 0.9))
    close(expectedCounts({ ...options, winsPerFunding: 1_000 }).fundings, 1)
  })

  it('is the same in every run, and another with another seed', () => {
    assert.deepEqual(playLottery(SMALL), playLottery(SMALL))
    assert.notDeepEqual(playLottery(SMALL), playLottery({ ...SMALL, seed: 2 }))
  })

  it('comes out near what is expected', () => {
    const { counts, wins } = playLottery(SMALL)
    const expected = expectedCounts(SMALL)
    assert.equal(
      wins.reduce((sum, own) => sum + own, 0),
      counts.wins,
    )
    // Six standard deviations of a sum of independent wins.
    assert.ok(Math.abs(counts.wins - expected.wins) < 6 * Math.sqrt(expected.wins))
    assert.ok(Math.abs(counts.withdrawals / expected.withdrawals - 1) < 0.1)
    assert.ok(Math.abs(counts.fundings - expected.fundings) < 3)
    const withdrawals = wins.reduce((sum, own) => sum + Math.ceil(own / SMALL.winsPerWithdrawal), 0)
    assert.equal(counts.withdrawals, withdrawals)
  })

  it('has a face value at which the expected overhead is the aim', () => {
    const result = ticketOverhead(SMALL, GAS)
    assert.ok(Math.abs(result.expectedOverhead - 0.009) < 1e-6)
    assert.ok(Math.abs(result.overhead / result.expectedOverhead - 1) < 0.1)
    assert.equal(result.paid, BigInt(result.counts.wins) * result.faceValue)
    assert.equal(result.overhead, Number((result.cost * 10n ** 12n) / result.paid) / 1e12)
    const strict = ticketOverhead({ ...SMALL, aim: { numerator: 1n, denominator: 1_000n } }, GAS)
    assert.ok(strict.overhead < result.overhead / 8, 'a larger face value costs less')
    assert.ok(Math.abs(Number(strict.faceValue) / Number(result.faceValue) - 9) < 1e-3)
  })

  it('scales with the gas: twice the gas, twice the face value, the same overhead', () => {
    const doubled = Object.fromEntries(
      Object.entries(GAS).map(([name, gas]) => [name, 2 * gas]),
    ) as unknown as TicketGas
    const [one, two] = [ticketOverhead(SMALL, GAS), ticketOverhead(SMALL, doubled)]
    assert.ok(Math.abs(Number(two.faceValue) / Number(one.faceValue) - 2) < 1e-6)
    assert.ok(Math.abs(two.overhead / one.overhead - 1) < 1e-6)
  })

  it("tells how a provider's income varies", () => {
    const result = ticketOverhead({ ...SMALL, providers: 2_000, incomePerDay: 1n }, GAS)
    assert.ok(Math.abs(result.incomeDeviation / result.expectedIncomeDeviation - 1) < 0.1)
    // After an income of 100 face values, and a little less, the deviation is a tenth.
    const faceValues = Number(result.steadyIncome) / Number(result.faceValue)
    assert.ok(faceValues < 100 && faceValues > 97, String(faceValues))
    assert.equal(result.steadyDays, Number(result.steadyIncome))
  })

  it('holds channels and Livepeer against it', () => {
    const result = ticketOverhead(SMALL, GAS)
    const { requesters, providers } = SMALL
    const pair = 2_000 + 300 + 40
    const cost = requesters * 1 + requesters * providers * pair + result.counts.withdrawals * 10_000_000
    assert.ok(Math.abs(result.channelOverhead - cost / Number(result.paid)) < 1e-9)
    assert.equal(result.channelPaysFrom, 2.34)
    assert.ok(Math.abs(result.livepeerRedemptionOverhead / result.redemptionOverhead - 350) < 1e-3)
    assert.ok(Math.abs(result.batchedRedemptionOverhead / result.redemptionOverhead - 0.5) < 1e-3)
    assert.match(overheadTable([{ prices: PRICES, result }]), /\| overhead, all costs \| 0\.\d{3} % \|/)
  })
})
