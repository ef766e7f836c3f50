import { keccak256, MaxUint256, toBeHex, Wallet } from 'ethers'
import { ticketCommitment } from '../protocol/tickets.ts'
import { AUDIT_ANCHOR_DOMAIN_NAME, AUDIT_ANCHOR_DOMAIN_VERSION, ROOT_TYPES } from '../protocol/typed-data.ts'
import { authorization, signAuthorization, signedOpening } from '../test/contracts/authorizations.ts'
import { signPermit } from '../test/contracts/permit.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  DAY,
  deployer,
  deployShoal,
  MINIMUM_STAKES,
  type Shoal,
  session,
} from '../test/contracts/test-chain.ts'
import { newTicket, signTicket } from '../test/contracts/tickets.ts'
import { signClose, signVoucher } from '../test/contracts/vouchers.ts'
import { LIVEPEER_REDEEM_GAS } from './ticket-overhead.ts'

/** What one transaction of a kind costs. */
export interface GasRow {
  name: string
  gas: number
  /** What it must not exceed. */
  goal?: number
  /** What others publish for the same work. */
  published?: { gas: number; by: string }
  what: string
}

type Add = (
  name: string,
  cost: { gasUsed: bigint },
  what: string,
  other?: Pick<GasRow, 'goal' | 'published'>,
) => void

const BATCHES = [1, 10, 100] as const
const ROOT = toBeHex(0xabcn, 32)
const PROVIDER_COMPUTE = 4
const LIVEPEER_REDEMPTION = { gas: LIVEPEER_REDEEM_GAS, by: 'Livepeer, L1 constant' }

/**
 * Measures, on a fresh chain, the gas of what nodes do. Every figure is of the usual case: accounts and storage slots
 * have been used before, unless the row says "first". The same in every run, up to zero bytes in signatures.
 */
export async function measureGas(): Promise<GasRow[]> {
  const shoal = await deployShoal()
  const rows: GasRow[] = []
  const add: Add = (name, { gasUsed }, what, other) => {
    rows.push({ name, gas: Number(gasUsed), what, ...other })
  }
  await prepare(shoal)
  await channels(shoal, add)
  await tickets(shoal, add)
  await anchors(shoal, add)
  await stakes(shoal, add)
  const transfer = await shoal.creditToken.send(alice, 'transfer', bob.address, CREDIT)
  const authorized = authorization(shoal, alice.address, bob.address, CREDIT)
  const { from, to, value, validAfter, validBefore, nonce } = authorized
  add(
    'gas.transferWithAuthorization',
    await shoal.creditToken.send(
      deployer,
      'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)',
      ...[from, to, value, validAfter, validBefore, nonce],
      await signAuthorization(shoal, alice, 'transfer', authorized),
    ),
    "transfer credits by the payer's signature (x402)",
  )
  add('gas.transfer', transfer, 'transfer credits')
  return rows
}

async function channels(shoal: Shoal, add: Add): Promise<void> {
  const { chain, settlement } = shoal
  const openArgs = (salt: number, amount = CREDIT) => [
    bob.address,
    session.address,
    toBeHex(salt, 32),
    chain.now + 10 * DAY,
    amount,
  ]
  const idOf = (salt: number) =>
    settlement.view<string>('channelIdOf', alice.address, bob.address, toBeHex(salt, 32))

  add('gas.deposit', await settlement.send(alice, 'deposit', alice.address, 400n * CREDIT), 'deposit')
  add('gas.open', await settlement.send(alice, 'open', ...openArgs(1)), 'open a channel from the balance', {
    goal: 120_000,
  })
  add(
    'gas.depositAndOpen',
    await opensWithoutBalance(shoal, openArgs(2)),
    'open a channel, all of it pulled',
    { goal: 120_000 },
  )
  const permit = await signPermit(shoal, bob, settlement.address, 5n * CREDIT)
  add(
    'gas.depositWithPermitAndOpen',
    await settlement.send(
      bob,
      'depositWithPermitAndOpen',
      ...[alice.address, session.address, ROOT, chain.now + DAY, 5n * CREDIT, permit],
    ),
    'open a channel, all of it pulled, with a permit',
  )
  const terms = {
    payee: bob.address,
    signer: session.address,
    salt: toBeHex(3, 32),
    expiresAt: BigInt(chain.now + DAY),
  }
  add(
    'gas.depositWithAuthorizationAndOpen',
    await settlement.send(
      deployer,
      'depositWithAuthorizationAndOpen',
      ...(await signedOpening(shoal, alice, terms, 5n * CREDIT)),
    ),
    "open a channel, all of it pulled, by the payer's signature",
  )
  const channel = await idOf(1)
  add('gas.topUp', await settlement.send(alice, 'topUp', channel, CREDIT), 'top up from the balance')

  let salt = 100
  const settle = await batches(async count => {
    const vouchers = []
    for (let index = 0; index < count; index++) {
      const { returned } = await settlement.send(alice, 'open', ...openArgs(salt++))
      vouchers.push(await signVoucher(shoal, session, returned as string, CREDIT / 2n))
    }
    return settlement.send(bob, 'settleMany', vouchers)
  })
  for (const count of BATCHES) {
    add(`gas.settle${count}`, settle.of(count), `settle ${count} voucher${plural(count)} of one payee`)
  }
  add('gas.voucher100', settle.oneMore, 'one more voucher, in a batch of 100', { goal: 30_000 })

  add('gas.startClose', await settlement.send(alice, 'startClose', channel), 'announce a close')
  chain.now += CLOSE_DELAY
  add('gas.finishClose', await settlement.send(alice, 'finishClose', channel), 'finish it')
  const byPayee = await settlement.send(bob, 'closeByPayee', await idOf(100))
  add('gas.closeByPayee', byPayee, 'close by the payee')
  add(
    'gas.closeCooperatively',
    await closesByAgreement(shoal, await idOf(101)),
    'close by agreement, paying the last',
  )
  const withdrawal = await settlement.send(alice, 'withdraw', alice.address, CREDIT)
  add('gas.withdraw', withdrawal, 'withdraw')
}

async function tickets(shoal: Shoal, add: Add): Promise<void> {
  const { chain, settlement } = shoal
  const fund = () => settlement.send(alice, 'fundTickets', session.address, CREDIT, 60n * CREDIT, CREDIT)
  add('gas.fundTicketsFirst', await fund(), 'fund tickets from the balance, the first time')
  add('gas.fundTickets', await fund(), 'fund tickets, every later time')
  const id = await settlement.view<string>('ticketDepositIdOf', alice.address, session.address)
  const expiresAt = BigInt(chain.now + 10 * DAY)
  let nonce = 0
  const redeem = await batches(async count => {
    const batch = []
    for (let index = 0; index < count; index++) {
      const { ticket } = newTicket(id, bob.address, CREDIT / 2n, expiresAt)
      // Not random, so that the figures are the same in every run.
      const random = keccak256(toBeHex(++nonce, 32))
      const fixed = { ...ticket, commitment: ticketCommitment(random), nonce: BigInt(keccak256(random)) }
      batch.push(await signTicket(shoal, session, fixed, random))
    }
    return settlement.send(bob, 'redeemMany', batch)
  })
  add('gas.ticket', redeem.of(1), 'redeem a ticket', { goal: 90_000, published: LIVEPEER_REDEMPTION })
  add('gas.ticket100', redeem.oneMore, 'one more ticket, in a batch of 100', {
    goal: 90_000,
    published: LIVEPEER_REDEMPTION,
  })
}

async function anchors({ auditAnchor, chain }: Shoal, add: Add): Promise<void> {
  add('gas.anchorFirst', await auditAnchor.send(alice, 'anchor', ROOT, 1, 1_000), "a node's first anchor")
  add('gas.anchor', await auditAnchor.send(alice, 'anchor', ROOT, 1_001, 2_000), 'every later anchor', {
    goal: 60_000,
  })
  const nodes = Array.from({ length: 100 }, (_, index) => new Wallet(toBeHex(index + 1, 32)))
  const next = new Map(nodes.map(node => [node, 1]))
  const signed = async (node: Wallet) => {
    const range = { root: ROOT, firstSequence: next.get(node)!, lastSequence: next.get(node)! }
    next.set(node, range.lastSequence + 1)
    const signature = await node.signTypedData(
      {
        name: AUDIT_ANCHOR_DOMAIN_NAME,
        version: AUDIT_ANCHOR_DOMAIN_VERSION,
        chainId: chain.chainId,
        verifyingContract: auditAnchor.address,
      },
      ROOT_TYPES,
      { node: node.address, ...range },
    )
    return { node: node.address, range, signature }
  }
  const anchorMany = async (count: number) =>
    auditAnchor.send(bob, 'anchorMany', await Promise.all(nodes.slice(0, count).map(signed)))
  await anchorMany(100)
  const batch = await batches(anchorMany)
  add('gas.anchor100', batch.oneMore, "one more node's anchor, in a batch of 100", { goal: 60_000 })
}

async function stakes({ staking, nodeRegistry }: Shoal, add: Add): Promise<void> {
  add('gas.bind', await nodeRegistry.send(alice, 'bind', ROOT), 'declare a node key, the first time')
  const [, provider] = MINIMUM_STAKES
  add('gas.stakeFirst', await staking.send(alice, 'stake', provider), 'stake, the first time')
  add('gas.stake', await staking.send(alice, 'stake', CREDIT), 'stake more')
  const roles = await staking.send(alice, 'setRoles', PROVIDER_COMPUTE)
  add('gas.setRoles', roles, 'become a provider')
  add('gas.startUnbonding', await staking.send(alice, 'startUnbonding', CREDIT / 2n), 'start to unbond')
}

/** Costs of batches of each size, and of one entry more in the largest. */
async function batches(send: (count: number) => Promise<{ gasUsed: bigint }>) {
  const costs = new Map<number, bigint>()
  for (const count of BATCHES) costs.set(count, (await send(count)).gasUsed)
  const spread = costs.get(100)! - costs.get(1)!
  // Rounded up.
  const oneMore = { gasUsed: (spread + 98n) / 99n }
  return { of: (count: (typeof BATCHES)[number]) => ({ gasUsed: costs.get(count)! }), oneMore }
}

function plural(count: number): string {
  return count === 1 ? '' : 's'
}

/** Uses accounts and slots once, as they will have been in a running network. */
async function prepare({ creditToken, settlement, staking }: Shoal): Promise<void> {
  for (const wallet of [alice, bob, deployer]) {
    await creditToken.send(deployer, 'transfer', wallet.address, 20_000n * CREDIT)
    await creditToken.send(wallet, 'approve', settlement.address, MaxUint256)
    await creditToken.send(wallet, 'approve', staking.address, MaxUint256)
    await settlement.send(wallet, 'deposit', wallet.address, 1n)
  }
  await staking.send(bob, 'stake', 10_000n * CREDIT)
  await staking.send(bob, 'setRoles', PROVIDER_COMPUTE)
}

/** The deployer has nothing in its internal balance, so that everything is pulled. */
async function opensWithoutBalance({ settlement }: Shoal, args: readonly unknown[]) {
  await settlement.send(deployer, 'withdraw', deployer.address, 1n)
  return await settlement.send(deployer, 'depositAndOpen', ...args)
}

/** The payer closes with the payee's signature and pays what is left to pay. */
async function closesByAgreement({ chain, settlement }: Shoal, channelId: string) {
  const [finalAmount, deadline] = [(3n * CREDIT) / 4n, BigInt(chain.now + DAY)]
  const signature = await signClose({ chain, settlement }, bob, { channelId, finalAmount, deadline })
  return settlement.send(alice, 'closeCooperatively', channelId, finalAmount, deadline, signature, '0x')
}

/** The rows as a Markdown table, formatted as Biome formats it. */
export function gasTable(rows: readonly GasRow[]): string {
  const figure = (value: number | undefined) => value?.toLocaleString('en-US') ?? ''
  const cells = [
    ['what', 'gas', 'goal', 'elsewhere'],
    ...rows.map(({ what, gas, goal, published }) => [
      what,
      figure(gas),
      figure(goal),
      published === undefined ? '' : `${figure(published.gas)} (${published.by})`,
    ]),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map(line => line[column]!.length)))
  const numbers = [false, true, true, false]
  const pad = (text: string, column: number) =>
    numbers[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)
  const [head, ...body] = cells.map(line => `| ${line.map(pad).join(' | ')} |`)
  const rule = widths.map((width, column) =>
    numbers[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  return [head, `| ${rule.join(' | ')} |`, ...body].join('\n')
}

if (import.meta.main) {
  const rows = await measureGas()
  console.log(gasTable(rows))
  if (rows.some(({ gas, goal }) => goal !== undefined && gas > goal)) process.exitCode = 1
}
