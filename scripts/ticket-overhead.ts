import { MaxUint256, toBeHex, type Wallet } from 'ethers'
import { CREDIT, formatCredits } from '../protocol/money.ts'
import { defaultFaceValueRoundedUp, type Fraction, gasCostRoundedUp } from '../protocol/tickets.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  carol,
  DAY,
  deployer,
  deployShoal,
  MINIMUM_STAKES,
  type Shoal,
  session,
} from '../test/contracts/test-chain.ts'
import { newTicket, signTicket } from '../test/contracts/tickets.ts'
import { signVoucher } from '../test/contracts/vouchers.ts'
import { Random } from './embedded-model/corpus/random.ts'

/** Gas of whole transactions, as a real EVM measures it. */
export interface TicketGas {
  /** The requester's approval of the token, once. */
  approve: number
  /** First funding of a ticket deposit, all of it pulled. */
  fund: number
  topUp: number
  /** One ticket alone in a transaction; the payee has a balance, the deposit covers it. */
  redeem: number
  /** The same, the payee's internal balance being zero. */
  redeemFirst: number
  redeem10: number
  redeem100: number
  /** One ticket that the reserve pays, when shares are fixed already. */
  redeemFromReserve: number
  /** One ticket of which nothing is paid. */
  redeemIntoArrears: number
  collectArrears: number
  startUnlock: number
  withdrawTickets: number
  /** Payout of a whole internal balance to an account that has tokens. */
  withdraw: number
  channelOpen: number
  channelSettle: number
  channelClose: number
}

/** What a chain and its coin cost. */
export interface Prices {
  name: string
  weiPerGas: bigint
  /** Fee for the data of a transaction that a rollup adds to its gas, in wei. */
  dataWeiPerTransaction: bigint
  /** Base units of credits that one coin (10^18 wei) is worth. */
  creditsPerCoin: bigint
}

/**
 * A rollup on Ethereum after blobs: 0.02 gwei a gas, two to ten times what the large ones charge on a quiet day, and
 * 2·10^-7 coins for data. A coin is worth 3,000 credits, as if a credit were a dollar and the coin ether.
 */
export const L2_PRICES: Prices = {
  name: 'L2',
  weiPerGas: 20_000_000n,
  dataWeiPerTransaction: 200_000_000_000n,
  creditsPerCoin: 3_000n * CREDIT,
}

/** Ethereum itself: 10 gwei a gas. */
export const L1_PRICES: Prices = {
  name: 'L1',
  weiPerGas: 10_000_000_000n,
  dataWeiPerTransaction: 0n,
  creditsPerCoin: 3_000n * CREDIT,
}

export interface OverheadOptions {
  prices: Prices
  /** Requesters, each with one deposit. */
  requesters: number
  /** Providers, all of whom every requester pays. */
  providers: number
  /** Tickets that each requester gives each provider in the period; a ticket pays one task, or several. */
  ticketsPerPair: number
  /** Of a ticket of average worth: worth / face value. Each ticket is worth between half and one and a half of it. */
  winProbability: number
  /** A provider withdraws to its wallet whenever it has this many face values, and once at the end. */
  winsPerWithdrawal: number
  /** Face values in a funding; when fewer than a tenth of them are left, the next is made. */
  winsPerFunding: number
  /** What a provider earns in a day, in base units: says how long `steadyIncome` takes. */
  incomePerDay: bigint
  /** What the default face value aims at: a tenth below what is promised leaves room for chance. */
  aim: Fraction
  seed: number
}

export const DEFAULT_OPTIONS: OverheadOptions = {
  prices: L2_PRICES,
  requesters: 10,
  providers: 2_000,
  ticketsPerPair: 200,
  winProbability: 0.01,
  winsPerWithdrawal: 10,
  winsPerFunding: 1_000,
  incomePerDay: 5n * CREDIT,
  aim: { numerator: 9n, denominator: 1_000n },
  seed: 1,
}

/** How often each thing happened, or is expected to. */
export interface Counts {
  wins: number
  /** Wins of providers whose internal balance was zero; as many as withdrawals. */
  withdrawals: number
  fundings: number
}

export interface TicketOverhead {
  /** Cost of all gas, in credits, over credits paid to providers: as it came out. */
  overhead: number
  /** The same as it is on average. */
  expectedOverhead: number
  /** Redemptions alone, without funding, withdrawals and closing. */
  redemptionOverhead: number
  /** The same when ten winners are redeemed in one transaction. */
  batchedRedemptionOverhead: number
  /** Base units. */
  faceValue: bigint
  gas: TicketGas
  counts: Counts
  expectedCounts: Counts
  tickets: number
  /** Base units paid to all providers, and what all gas cost. */
  paid: bigint
  cost: bigint
  /** Standard deviation over mean of a provider's income in the period: among the providers, and by theory. */
  incomeDeviation: number
  expectedIncomeDeviation: number
  /** Income, in base units, from which on that is below a tenth, and the days it takes. */
  steadyIncome: bigint
  steadyDays: number
  /** The same work by one channel for each pair. */
  channelOverhead: number
  /** Face values a pair has to earn before a channel is cheaper than its tickets. */
  channelPaysFrom: number
  /** At the same face value and prices, with Livepeer's published constant for a redemption. */
  livepeerRedemptionOverhead: number
}

/** `redeemGas` of go-livepeer's starter, measured on Ethereum. */
export const LIVEPEER_REDEEM_GAS = 350_000
/** Livepeer's wiki: $0.10 of gas on a $10 win. */
export const LIVEPEER_PUBLISHED_OVERHEAD = 0.01

/** Measures on a fresh chain what everything around tickets costs. The same in every run, up to zero bytes in data. */
export async function measureTicketGas(): Promise<TicketGas> {
  const shoal = await deployShoal()
  const { chain, creditToken, settlement, staking } = shoal
  const gasOf = ({ gasUsed }: { gasUsed: bigint }) => Number(gasUsed)
  for (const wallet of [alice, bob, carol]) {
    await creditToken.send(deployer, 'transfer', wallet.address, 100_000n * CREDIT)
  }
  const approve = gasOf(await creditToken.send(alice, 'approve', settlement.address, MaxUint256))
  const fundArgs = [session.address, CREDIT, 1_000n * CREDIT, 100n * CREDIT]
  const funded = await settlement.send(alice, 'depositAndFundTickets', ...fundArgs)
  const depositId = funded.returned as string
  const topUp = await settlement.send(
    alice,
    'depositAndFundTickets',
    session.address,
    0n,
    1_000n * CREDIT,
    0n,
  )

  const redeem = async (payee: Wallet, count = 1, id = depositId) => {
    const tickets = []
    for (let index = 0; index < count; index++) {
      const { ticket, random } = newTicket(id, payee.address, CREDIT, BigInt(chain.now + DAY))
      tickets.push(await signTicket(shoal, session, ticket, random))
    }
    return gasOf(await settlement.send(payee, 'redeemMany', tickets))
  }
  const redeemFirst = await redeem(bob)
  const redeemNext = await redeem(bob)
  const [redeem10, redeem100] = [await redeem(bob, 10), await redeem(bob, 100)]
  const withdraw = gasOf(
    await settlement.send(bob, 'withdraw', bob.address, await settlement.view('balanceOf', bob.address)),
  )
  await settlement.send(alice, 'startTicketsUnlock', session.address)
  await settlement.send(alice, 'cancelTicketsUnlock', session.address)
  const startUnlock = gasOf(await settlement.send(alice, 'startTicketsUnlock', session.address))
  chain.now += CLOSE_DELAY
  const withdrawTickets = gasOf(await settlement.send(alice, 'withdrawTickets', session.address))

  await creditToken.send(carol, 'approve', staking.address, MaxUint256)
  await staking.send(carol, 'stake', MINIMUM_STAKES[1])
  await staking.send(carol, 'setRoles', 4)
  await settlement.send(alice, 'depositAndFundTickets', session.address, CREDIT, CREDIT, 10n * CREDIT)
  await redeem(bob)
  await redeem(carol)
  const redeemFromReserve = await redeem(carol)
  await redeem(bob)
  const redeemIntoArrears = await redeem(bob)
  await settlement.send(alice, 'depositAndFundTickets', session.address, 0n, CREDIT, 0n)
  const collectArrears = gasOf(await settlement.send(bob, 'collectArrears', depositId, bob.address))
  const channel = await measureChannel(shoal)
  return {
    ...{
      approve,
      fund: gasOf(funded),
      topUp: gasOf(topUp),
      redeem: redeemNext,
      redeemFirst,
      redeem10,
      redeem100,
    },
    ...{ redeemFromReserve, redeemIntoArrears, collectArrears, startUnlock, withdrawTickets, withdraw },
    ...channel,
  }
}

/** A channel's life, everything else having been used before. */
async function measureChannel(shoal: Shoal) {
  const { chain, settlement } = shoal
  await settlement.send(alice, 'depositAndFundTickets', carol.address, CREDIT, CREDIT, 0n)
  const openArgs = [bob.address, session.address, toBeHex(1, 32), chain.now + 10 * DAY, CREDIT]
  const opened = await settlement.send(alice, 'depositAndOpen', ...openArgs)
  const voucher = await signVoucher(shoal, session, opened.returned as string, CREDIT / 2n)
  const settled = await settlement.send(bob, 'settleMany', [voucher])
  const closed = await settlement.send(bob, 'closeByPayee', opened.returned)
  return {
    channelOpen: Number(opened.gasUsed),
    channelSettle: Number(settled.gasUsed),
    channelClose: Number(closed.gasUsed),
  }
}

/** Cost of a transaction in base units of credits, rounded up. */
export function transactionCost(gas: number, prices: Prices): bigint {
  const data = gasCostRoundedUp(1n, prices.dataWeiPerTransaction, prices.creditsPerCoin)
  return gasCostRoundedUp(BigInt(Math.ceil(gas)), prices.weiPerGas, prices.creditsPerCoin) + data
}

/** Cost of everything that happened, in base units: nothing that requesters or providers send is left out. */
export function totalCost(counts: Counts, requesters: number, gas: TicketGas, prices: Prices): bigint {
  const cost = (amount: number) => transactionCost(amount, prices)
  // In 2^-20ths, because expected counts are no integers.
  const times = (count: number, each: bigint) => (each * BigInt(Math.round(count * 2 ** 20))) >> 20n
  const once = [gas.approve, gas.fund, gas.startUnlock, gas.withdrawTickets, gas.withdraw]
  return (
    once.reduce((sum, each) => sum + BigInt(requesters) * cost(each), 0n) +
    times(counts.fundings - requesters, cost(gas.topUp)) +
    times(counts.wins - counts.withdrawals, cost(gas.redeem)) +
    times(counts.withdrawals, cost(gas.redeemFirst) + cost(gas.withdraw))
  )
}

/**
 * How often things happen on average. A provider's wins are very nearly Poisson distributed (many tickets, each seldom
 * winning); with w of them it withdraws ceil(w / winsPerWithdrawal) times.
 */
export function expectedCounts(options: Omit<OverheadOptions, 'prices' | 'seed' | 'aim'>): Counts {
  const { requesters, providers, winsPerFunding } = options
  const mean = requesters * options.ticketsPerPair * options.winProbability
  let withdrawals = 0
  let probability = Math.exp(-mean)
  // Beyond twenty standard deviations nothing is left.
  for (let wins = 1; wins < mean + 20 * Math.sqrt(mean) + 40; wins++) {
    probability *= mean / wins
    withdrawals += probability * Math.ceil(wins / options.winsPerWithdrawal)
  }
  const wins = mean * providers
  // The first funding lasts for nine tenths of its wins, every other for all of them.
  const topUps = Math.max(0, (wins / requesters - 0.9 * winsPerFunding) / winsPerFunding)
  return { wins, withdrawals: withdrawals * providers, fundings: requesters * (1 + topUps) }
}

interface Played {
  counts: Counts
  /** Wins of each provider. */
  wins: Uint32Array
}

/** Plays every ticket of the period with a seeded generator. */
export function playLottery(options: Omit<OverheadOptions, 'prices' | 'aim'>): Played {
  const { requesters, providers, winsPerFunding } = options
  const random = new Random(options.seed)
  const uniform = () => random.next() / 2 ** 32
  const wins = new Uint32Array(providers)
  const funds = new Float64Array(requesters).fill(winsPerFunding)
  const counts: Counts = { wins: 0, withdrawals: 0, fundings: requesters }
  const win = (requester: number, provider: number) => {
    counts.wins++
    if (--funds[requester]! < winsPerFunding / 10) {
      counts.fundings++
      funds[requester]! += winsPerFunding
    }
    // It withdrew after every so many wins, so that its balance was zero.
    if (wins[provider]! % options.winsPerWithdrawal === 0) counts.withdrawals++
    wins[provider]!++
  }
  for (let ticket = 0; ticket < options.ticketsPerPair; ticket++) {
    for (let requester = 0; requester < requesters; requester++) {
      for (let provider = 0; provider < providers; provider++) {
        const worth = 0.5 + uniform()
        if (uniform() < worth * options.winProbability) win(requester, provider)
      }
    }
  }
  return { counts, wins }
}

/**
 * What it costs in gas to pay many providers by tickets of the default face value, as a part of what they are paid.
 * @param gas measured if it is not given
 */
export async function measureTicketOverhead(
  options: Partial<OverheadOptions> = {},
  gas?: TicketGas,
): Promise<TicketOverhead> {
  return ticketOverhead({ ...DEFAULT_OPTIONS, ...options }, gas ?? (await measureTicketGas()))
}

/** `measureTicketOverhead` with figures that are known. */
export function ticketOverhead(options: OverheadOptions, gas: TicketGas): TicketOverhead {
  const { prices, requesters, providers } = options
  const ticketsPerProvider = requesters * options.ticketsPerPair
  const expected = expectedCounts(options)
  const expectedCost = totalCost(expected, requesters, gas, prices)
  const costPerWin = ratioRoundedUp(expectedCost, expected.wins)
  const faceValue = defaultFaceValueRoundedUp(costPerWin, options.aim)
  const { counts, wins } = playLottery(options)
  const cost = totalCost(counts, requesters, gas, prices)
  const paid = BigInt(counts.wins) * faceValue
  const ofFace = (base: bigint) => ratio(base, faceValue)
  const costOf = (amount: number) => transactionCost(amount, prices)
  const pairCost = costOf(gas.channelOpen) + costOf(gas.channelSettle) + costOf(gas.channelClose)
  const channelCost =
    BigInt(requesters) * costOf(gas.approve) +
    BigInt(requesters * providers) * pairCost +
    BigInt(counts.withdrawals) * costOf(gas.withdraw)
  const mean = counts.wins / providers
  const variance = wins.reduce((sum, own) => sum + (own - mean) ** 2, 0) / (providers - 1)
  // Of tickets with worths u·p, u uniform in [1/2, 3/2]: E[p(1 - p)] = p - p²·E[u²], E[u²] = 13/12.
  const unlikeliness = 1 - (options.winProbability * 13) / 12
  // The relative variance after an income x is faceValue·(1 - p) / x.
  const steadyIncome = BigInt(Math.ceil(Number(faceValue) * 100 * unlikeliness))
  return {
    overhead: ratio(cost, paid),
    expectedOverhead: ofFace(costPerWin),
    redemptionOverhead: ofFace(transactionCost(gas.redeem, prices)),
    batchedRedemptionOverhead: ofFace(transactionCost(gas.redeem10, prices)) / 10,
    faceValue,
    gas,
    counts,
    expectedCounts: expected,
    tickets: providers * ticketsPerProvider,
    paid,
    cost,
    incomeDeviation: Math.sqrt(variance) / mean,
    expectedIncomeDeviation: Math.sqrt(unlikeliness / (ticketsPerProvider * options.winProbability)),
    steadyIncome,
    steadyDays: ratio(steadyIncome, options.incomePerDay),
    channelOverhead: ratio(channelCost, paid),
    channelPaysFrom: ratio(pairCost, costOf(gas.redeem)),
    livepeerRedemptionOverhead: ofFace(transactionCost(LIVEPEER_REDEEM_GAS, prices)),
  }
}

function ratio(a: bigint, b: bigint): number {
  return Number((a * 10n ** 12n) / b) / 1e12
}

function ratioRoundedUp(amount: bigint, count: number): bigint {
  const scaled = BigInt(Math.floor(count * 2 ** 20))
  return ((amount << 20n) + scaled - 1n) / scaled
}

/** The results for several chains as a Markdown table. */
export function overheadTable(results: readonly { prices: Prices; result: TicketOverhead }[]): string {
  const percent = (part: number) => `${(100 * part).toFixed(3)} %`
  const credits = (amount: bigint) => Number(formatCredits(amount)).toPrecision(4)
  const rows: [string, (entry: { prices: Prices; result: TicketOverhead }) => string][] = [
    ['price of gas, wei', ({ prices }) => prices.weiPerGas.toLocaleString('en-US')],
    ['credits a coin', ({ prices }) => formatCredits(prices.creditsPerCoin)],
    ['default face value, credits', ({ result }) => credits(result.faceValue)],
    ['tickets', ({ result }) => result.tickets.toLocaleString('en-US')],
    ['redemptions', ({ result }) => result.counts.wins.toLocaleString('en-US')],
    ['withdrawals of providers', ({ result }) => result.counts.withdrawals.toLocaleString('en-US')],
    ['overhead, all costs', ({ result }) => percent(result.overhead)],
    ['overhead, all costs, expected', ({ result }) => percent(result.expectedOverhead)],
    ['redemptions alone', ({ result }) => percent(result.redemptionOverhead)],
    ['redemptions alone, in batches of 10', ({ result }) => percent(result.batchedRedemptionOverhead)],
    ['the same work by channels, one a pair', ({ result }) => percent(result.channelOverhead)],
    [
      'face values a pair earns before a channel is cheaper',
      ({ result }) => result.channelPaysFrom.toFixed(1),
    ],
    [
      `redemptions alone at Livepeer's ${LIVEPEER_REDEEM_GAS.toLocaleString('en-US')} gas`,
      ({ result }) => percent(result.livepeerRedemptionOverhead),
    ],
    ['Livepeer, as published', () => `about ${100 * LIVEPEER_PUBLISHED_OVERHEAD} %`],
    ["deviation of a provider's income", ({ result }) => percent(result.incomeDeviation)],
    ['the same, by theory', ({ result }) => percent(result.expectedIncomeDeviation)],
    ['income from which it is below 10 %, credits', ({ result }) => credits(result.steadyIncome)],
    [
      `days until then, at ${formatCredits(DEFAULT_OPTIONS.incomePerDay)} credits a day`,
      ({ result }) => result.steadyDays.toFixed(0),
    ],
  ]
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(['', ...results.map(({ prices }) => prices.name)]),
    line(['---', ...results.map(() => '---:')]),
    ...rows.map(([name, cell]) => line([name, ...results.map(cell)])),
  ].join('\n')
}

if (import.meta.main) {
  const gas = await measureTicketGas()
  const results = [L2_PRICES, L1_PRICES].map(prices => ({
    prices,
    result: ticketOverhead({ ...DEFAULT_OPTIONS, prices }, gas),
  }))
  console.log(overheadTable(results))
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
  console.log(JSON.stringify(results, plain, 2))
  if (results.some(({ result }) => result.overhead > 0.01)) process.exitCode = 1
}
