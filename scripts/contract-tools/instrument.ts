import { bodiesOf, childOf, childrenOf, endOf, lineAt, nodesOf, startOf, statementEnd, walk } from './ast.ts'
import type { AstNode } from './compiler.ts'

/**
 * A place that tests should come by. A `line` point is the start of a statement or of a function; a `branch` point
 * is one outcome of a condition, or one clause of a `try`.
 */
export interface Point {
  id: number
  kind: 'line' | 'branch'
  line: number
  /** For a branch: which outcome of what. */
  what: string
}

export interface Instrumented {
  source: string
  points: Point[]
}

/** Where EDR listens for probes: a call here with 32 bytes is a hit of the point with that number. */
const LISTENER = '0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE'

/**
 * Puts probes into a source without changing what it does.
 *
 * How branches are counted: every condition of an `if`, a loop, a `?:`, a `require` or an `assert`, and every operand
 * of `&&` and `||` wherever it stands, has two branches: it was true once, and it was false once. Where a condition
 * is made of others, only the innermost count, since their outcomes include its own. A `try` has one branch for its
 * success and one for each `catch`. What the compiler checks by itself (overflow, array bounds, decoding) is no
 * branch. Assembly counts as one statement; an `if`, `switch` or `for` in it cannot be told apart and is reported as
 * a branch that was not taken.
 * @param firstId number of the first point; points are numbered on from it
 */
export function instrument(source: string, ast: AstNode, firstId: number): Instrumented {
  const text = Buffer.from(source)
  const library = `__Coverage${firstId}`
  const points: Point[] = []
  const insertions: { at: number; order: number; text: string }[] = []
  const point = (kind: Point['kind'], at: number, what: string): number => {
    const id = firstId + points.length
    points.push({ id, kind, line: lineAt(text, at), what })
    return id
  }
  // At one byte, what closes comes before what opens; the later closing encloses the earlier, opening is the reverse.
  const open = (at: number, inserted: string) =>
    insertions.push({ at, order: insertions.length + 1, text: inserted })
  const close = (at: number, inserted: string) =>
    insertions.push({ at, order: insertions.length - 1e9, text: inserted })

  for (const { name, definition, body } of bodiesOf(ast)) {
    const entry = point('line', startOf(definition), `entry of ${name}`)
    open(startOf(body) + 1, ` ${library}.hit(${entry});`)
    const leaves = new Set(decisionLeaves(body))
    const visit = (node: AstNode, parent: AstNode): void => {
      const isStatement = STATEMENTS.has(node.nodeType) && node.nodeType !== 'Block'
      // A loop's own header has statements no probe can stand before.
      const inHeader =
        parent.nodeType === 'ForStatement' &&
        (parent.initializationExpression === node || parent.loopExpression === node)
      const isBody = isStatement && !inHeader && !BLOCKS.has(parent.nodeType)
      if (isStatement && !inHeader) {
        const id = point('line', startOf(node), node.nodeType)
        open(startOf(node), `${isBody ? '{ ' : ''}${library}.hit(${id}); `)
      }
      if (leaves.has(node)) {
        const shown = text.subarray(startOf(node), endOf(node)).toString().replace(/\s+/g, ' ')
        const id = point('branch', startOf(node), `\`${shown}\` false`)
        point('branch', startOf(node), `\`${shown}\` true`)
        open(startOf(node), `${library}.outcome(${id}, `)
      }
      if (node.nodeType === 'TryCatchClause') {
        const clause = parent.clauses === undefined ? 0 : nodesOf(parent, 'clauses').indexOf(node)
        const block = childOf(node, 'block')!
        const id = point('branch', startOf(block), clause === 0 ? 'success of try' : `catch ${clause}`)
        open(startOf(block) + 1, ` ${library}.hit(${id});`)
      }
      if (node.nodeType === 'InlineAssembly') {
        for (const inner of walk(childOf(node, 'AST')!)) {
          if (!/^Yul(If|Switch|ForLoop)$/.test(inner.nodeType)) continue
          point('branch', startOf(inner), `${inner.nodeType} in assembly, which no probe can tell apart`)
        }
      } else {
        for (const child of childrenOf(node)) visit(child, node)
      }
      if (leaves.has(node)) close(endOf(node), ')')
      if (isBody) close(statementEnd(node, text), ' }')
    }
    for (const child of childrenOf(body)) visit(child, body)
  }

  insertions.sort((a, b) => a.at - b.at || a.order - b.order)
  const pieces: Buffer[] = []
  let done = 0
  for (const insertion of insertions) {
    pieces.push(text.subarray(done, insertion.at), Buffer.from(insertion.text))
    done = insertion.at
  }
  pieces.push(text.subarray(done), Buffer.from(probes(library)))
  return { source: Buffer.concat(pieces).toString(), points }
}

const BLOCKS = new Set(['Block', 'UncheckedBlock'])
const STATEMENTS = new Set([
  'Block',
  'Break',
  'Continue',
  'DoWhileStatement',
  'EmitStatement',
  'ExpressionStatement',
  'ForStatement',
  'IfStatement',
  'InlineAssembly',
  'PlaceholderStatement',
  'Return',
  'RevertStatement',
  'TryStatement',
  'UncheckedBlock',
  'VariableDeclarationStatement',
  'WhileStatement',
])

/** The innermost conditions that decide something. */
function* decisionLeaves(body: AstNode): Generator<AstNode> {
  for (const node of walk(body)) {
    if (node.nodeType === 'BinaryOperation' && isLogical(node)) {
      yield* leavesOf(childOf(node, 'leftExpression')!)
      yield* leavesOf(childOf(node, 'rightExpression')!)
    }
    const condition = childOf(node, 'condition') ?? checked(node)
    if (condition !== undefined && !isLiteral(condition)) yield* leavesOf(condition)
  }
}

function leavesOf(condition: AstNode): AstNode[] {
  if (isLogical(condition)) return []
  const inside = nodesOf(condition, 'components')
  if (condition.nodeType === 'TupleExpression' && inside.length === 1) return leavesOf(inside[0]!)
  if (condition.nodeType === 'UnaryOperation' && condition.operator === '!') {
    return leavesOf(childOf(condition, 'subExpression')!)
  }
  return [condition]
}

function isLogical(node: AstNode): boolean {
  return node.nodeType === 'BinaryOperation' && (node.operator === '&&' || node.operator === '||')
}

function isLiteral({ nodeType }: AstNode): boolean {
  return nodeType === 'Literal'
}

/** The condition of a `require` or an `assert`. */
function checked(node: AstNode): AstNode | undefined {
  if (node.nodeType !== 'FunctionCall') return undefined
  const name = childOf(node, 'expression')?.name
  return name === 'require' || name === 'assert' ? nodesOf(node, 'arguments')[0] : undefined
}

/** `hit` calls the listener from functions of any mutability, so a pure function stays pure to the compiler. */
function probes(library: string): string {
  return `
library ${library} {
    function hit(uint256 id) internal pure {
        function(uint256) internal view probe = _probe;
        function(uint256) internal pure pureProbe;
        assembly {
            pureProbe := probe
        }
        pureProbe(id);
    }

    function outcome(uint256 id, bool condition) internal pure returns (bool) {
        hit(condition ? id + 1 : id);
        return condition;
    }

    function _probe(uint256 id) private view {
        assembly ("memory-safe") {
            mstore(0, id)
            pop(staticcall(gas(), ${LISTENER}, 0, 32, 0, 0))
        }
    }
}
`
}
