import { bodiesOf, childOf, childrenOf, endOf, lineAt, nodesOf, startOf, statementEnd, walk } from './ast.ts'
import type { AstNode } from './compiler.ts'

/** One small change of a source that tests should notice. */
export interface Mutant {
  file: string
  line: number
  /** What kind of change. */
  operator: string
  /** Bytes that are replaced. */
  start: number
  end: number
  replacement: string
}

type Add = (operator: string, start: number, end: number, replacement: string) => void

/** Each operator becomes one that differs in as few cases as possible; the last of two is its opposite. */
const BINARY: Record<string, readonly [operator: string, replacements: readonly string[]]> = {
  '<': ['relational', ['<=', '>=']],
  '<=': ['relational', ['<', '>']],
  '>': ['relational', ['>=', '<=']],
  '>=': ['relational', ['>', '<']],
  '==': ['relational', ['!=']],
  '!=': ['relational', ['==']],
  '+': ['arithmetic', ['-']],
  '-': ['arithmetic', ['+']],
  '*': ['arithmetic', ['/']],
  '/': ['arithmetic', ['*']],
  '%': ['arithmetic', ['/']],
  '<<': ['arithmetic', ['>>']],
  '>>': ['arithmetic', ['<<']],
  '&': ['arithmetic', ['|']],
  '|': ['arithmetic', ['&']],
  '^': ['arithmetic', ['&']],
  '&&': ['logical', ['||']],
  '||': ['logical', ['&&']],
}

const ASSIGNMENTS: Record<string, readonly string[]> = {
  '+=': ['-=', '='],
  '-=': ['+=', '='],
  '*=': ['/='],
  '/=': ['*='],
  '|=': ['&=', '='],
  '&=': ['|=', '='],
}

const DECIDING: Record<string, readonly string[]> = {
  Conditional: ['condition'],
  IfStatement: ['condition'],
  Return: ['expression'],
  WhileStatement: ['condition'],
}

/** Members that are each other's opposite. */
const MEMBERS: Record<string, string> = { min: 'max', max: 'min' }

/**
 * All mutants of a source, in the order of its text. They are made of its functions, modifiers and constants; a
 * mutant need not compile. Left out is what any call would notice: a guard that always reverts.
 */
export function mutantsOf(file: string, source: string, ast: AstNode): Mutant[] {
  const text = Buffer.from(source)
  const mutants: Mutant[] = []
  const seen = new Set<string>()
  const add: Add = (operator, start, end, replacement) => {
    const key = `${start}:${end}:${replacement}`
    if (seen.has(key) || text.subarray(start, end).toString() === replacement) return
    seen.add(key)
    mutants.push({ file, line: lineAt(text, start), operator, start, end, replacement })
  }
  for (const node of walk(ast)) {
    const value =
      node.nodeType === 'VariableDeclaration' && node.constant === true ? childOf(node, 'value') : undefined
    if (value !== undefined) for (const inner of walk(value)) mutateExpression(inner, false, text, add)
  }
  for (const { definition, body } of bodiesOf(ast)) {
    for (const modifier of nodesOf(definition, 'modifiers')) {
      if (modifier.kind === 'modifierInvocation')
        add('modifier removal', startOf(modifier), endOf(modifier), '')
    }
    const nodes = [...walk(body)]
    // Without its `revert` a guard is what it is with a false condition.
    const guarded = new Set(nodes.filter(isGuard).flatMap(guard => [...walk(childOf(guard, 'trueBody')!)]))
    const deciding = new Set(nodes.flatMap(decidingIn))
    for (const node of nodes) {
      if (node.nodeType !== 'RevertStatement' || !guarded.has(node)) mutateStatement(node, text, add)
      mutateExpression(node, deciding.has(node), text, add)
    }
  }
  return mutants.sort((a, b) => a.start - b.start)
}

/** A source with the change in it. */
export function mutate(source: string, { start, end, replacement }: Mutant): string {
  const text = Buffer.from(source)
  return Buffer.concat([text.subarray(0, start), Buffer.from(replacement), text.subarray(end)]).toString()
}

/** The change as lines of a diff. */
export function diffOf(source: string, mutant: Mutant): string {
  const before = source.split('\n')
  const after = mutate(source, mutant).split('\n')
  let same = 0
  while (
    before.at(-1 - same) === after.at(-1 - same) &&
    same < Math.min(before.length, after.length) - mutant.line
  )
    same++
  const lines = (all: string[], sign: string) =>
    all.slice(mutant.line - 1, all.length - same).map(line => `${sign} ${line.trim()}`)
  return [...lines(before, '-'), ...lines(after, '+')].join('\n')
}

function mutateStatement(node: AstNode, text: Buffer, add: Add): void {
  const [start, end] = [startOf(node), endOf(node)]
  switch (node.nodeType) {
    case 'ExpressionStatement':
    case 'RevertStatement':
    case 'Return':
    case 'Break':
    case 'Continue':
      add('statement deletion', start, statementEnd(node, text), '{}')
      return
    case 'EmitStatement':
      add('event deletion', start, statementEnd(node, text), '{}')
      return
    case 'UncheckedBlock':
      add('checked arithmetic', start, start + 'unchecked'.length, '')
      return
    case 'VariableDeclaration': {
      if (node.storageLocation !== 'storage') return
      const word = text.indexOf('storage', start)
      if (word < end) add('storage to memory', word, word + 'storage'.length, 'memory')
      return
    }
    case 'IfStatement':
    case 'WhileStatement':
    case 'Conditional': {
      const condition = childOf(node, 'condition')!
      add('condition false', startOf(condition), endOf(condition), 'false')
      if (!isGuard(node)) add('condition true', startOf(condition), endOf(condition), 'true')
    }
  }
}

/** Whether an `if` does nothing but revert. */
function isGuard(node: AstNode): boolean {
  if (node.nodeType !== 'IfStatement') return false
  const body = childOf(node, 'trueBody')
  const statements = body?.nodeType === 'Block' ? nodesOf(body, 'statements') : [body]
  return childOf(node, 'falseBody') === undefined && statements[0]?.nodeType === 'RevertStatement'
}

function mutateExpression(node: AstNode, decides: boolean, text: Buffer, add: Add): void {
  const [start, end] = [startOf(node), endOf(node)]
  switch (node.nodeType) {
    case 'BinaryOperation':
      mutateBinary(node, decides, text, add)
      return
    case 'UnaryOperation': {
      const inside = childOf(node, 'subExpression')!
      const opposite = { '++': '--', '--': '++' }[node.operator as string]
      if (opposite !== undefined) {
        const at = node.prefix === true ? start : endOf(inside)
        add('arithmetic', at, at + 2, opposite)
      } else if (node.operator !== 'delete') {
        add(node.operator === '!' ? 'logical' : 'arithmetic', start, startOf(inside), '')
      }
      return
    }
    case 'Assignment': {
      const at = operatorAt(
        text,
        node.operator as string,
        childOf(node, 'leftHandSide')!,
        childOf(node, 'rightHandSide')!,
      )
      for (const other of ASSIGNMENTS[node.operator as string] ?? []) {
        add('assignment', at, at + (node.operator as string).length, other)
      }
      return
    }
    case 'Literal':
      mutateLiteral(node, text, add)
      return
    case 'Return': {
      const value = childOf(node, 'expression')
      if (value === undefined || typeOf(value) !== 'bool' || value.nodeType === 'Literal') return
      for (const result of ['true', 'false']) add('returned value', startOf(value), endOf(value), result)
      return
    }
    case 'MemberAccess': {
      const other = MEMBERS[node.memberName as string]
      if (other !== undefined)
        add('minimum and maximum', end - (node.memberName as string).length, end, other)
      return
    }
    case 'FunctionCall':
      mutateCall(node, text, add)
      return
  }
}

/** What constants stand in for too: conditions, operands of `&&` and `||`, and what is returned. */
function decidingIn(node: AstNode): AstNode[] {
  const logical = node.nodeType === 'BinaryOperation' && BINARY[node.operator as string]?.[0] === 'logical'
  const fields = logical ? ['leftExpression', 'rightExpression'] : DECIDING[node.nodeType]
  return (fields ?? []).map(field => childOf(node, field)).filter(found => found !== undefined)
}

/** @param decides whether constants stand in for it too, so that its opposite would say nothing new */
function mutateBinary(node: AstNode, decides: boolean, text: Buffer, add: Add): void {
  const [left, right] = [childOf(node, 'leftExpression')!, childOf(node, 'rightExpression')!]
  const operator = node.operator as string
  const [kind, replacements] = BINARY[operator] ?? ['', []]
  const at = operatorAt(text, operator, left, right)
  const told = kind === 'relational' && decides ? replacements.slice(0, -1) : replacements
  for (const other of told) add(kind, at, at + operator.length, other)
  if (kind === 'logical') {
    // One operand loses its say; the constant that decides would be found in `condition true` and `false`.
    const neutral = operator === '&&' ? 'true' : 'false'
    for (const side of [left, right]) add('condition dropped', startOf(side), endOf(side), neutral)
  }
}

function mutateLiteral(node: AstNode, text: Buffer, add: Add): void {
  const [start, end] = [startOf(node), endOf(node)]
  if (node.kind === 'bool') {
    add('boolean', start, end, node.value === 'true' ? 'false' : 'true')
    return
  }
  const written = text.subarray(start, end).toString()
  const digits = /^[\d_]+/.exec(written)?.[0]
  if (node.kind !== 'number' || digits === undefined || /^0x|^[\d_]+[.e]/i.test(written)) return
  const value = BigInt(digits.replaceAll('_', ''))
  add('constant', start, start + digits.length, String(value + 1n))
  if (value > 0n) add('constant', start, start + digits.length, String(value - 1n))
}

/** Neighbouring arguments change places where their types allow it. */
function mutateCall(node: AstNode, text: Buffer, add: Add): void {
  const args = nodesOf(node, 'arguments')
  const called = childOf(node, 'expression')!
  // The lesser of two is the same whichever comes first.
  if ((called.memberName as string) in MEMBERS) return
  const anyTypes = /^abi\.encode(Packed)?$/.test(textOf(called, text))
  args.slice(1).forEach((second, index) => {
    const first = args[index]!
    if (!anyTypes && typeOf(first) !== typeOf(second)) return
    const between = text.subarray(endOf(first), startOf(second)).toString()
    const swapped = textOf(second, text) + between + textOf(first, text)
    add('swapped arguments', startOf(first), endOf(second), swapped)
  })
}

function operatorAt(text: Buffer, operator: string, left: AstNode, right: AstNode): number {
  // Between the operands there can be parentheses and comments too.
  const at = text.indexOf(operator, endOf(left))
  if (at < 0 || at >= startOf(right)) throw new Error(`no ${operator} between operands`)
  return at
}

function textOf(node: AstNode, text: Buffer): string {
  return text.subarray(startOf(node), endOf(node)).toString()
}

function typeOf(node: AstNode): string {
  return (node.typeDescriptions as { typeString?: string } | undefined)?.typeString ?? ''
}

/** The files a source is made of: itself and all it imports from the project, by name. */
export function importedBy(
  name: string,
  asts: ReadonlyMap<string, AstNode>,
  found = new Set<string>(),
): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  for (const child of childrenOf(asts.get(name)!)) {
    if (child.nodeType === 'ImportDirective') importedBy(child.absolutePath as string, asts, found)
  }
  return found
}
