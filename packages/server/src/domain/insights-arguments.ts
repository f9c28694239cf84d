/** How many arguments the functions of `stats` take. */
import { QueryError } from './insights-lexer.ts';
import { AGGREGATES, type Expression } from './insights-query.ts';

export function checkAggregate(call: Expression & { kind: 'call' }): void {
  const end = call.start + call.name.length;
  const count = call.arguments.length;
  const wanted = call.name === 'pct' || call.name === 'percentile' ? 2 : 1;
  if (count !== wanted && !(call.name === 'count' && count === 0)) {
    throw new QueryError(`${call.name}: expected ${wanted} arguments, found ${count}`, call.start, end);
  }
  const nested = call.arguments.find((argument) => argument.kind === 'call' && AGGREGATES.has(argument.name));
  if (nested) throw new QueryError(`${call.name}: an aggregate inside an aggregate`, call.start, end);
}
