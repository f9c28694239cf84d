/** In which order resources are made: each after those it names or depends on. Cycles are a problem. */
import { checkReferences, listReferences } from './resolve.ts';
import type { ResourceDeclaration, Template } from './template.ts';
import { type Problem, TemplateError } from './template-error.ts';

/** Rejects by throwing a TemplateError: names that lead nowhere, or a circle. */
export function planOrder(template: Template): ResourceDeclaration[] {
  const { resources } = template;
  const known = (logicalId: string) => resources.has(logicalId);
  const problems: Problem[] = [];
  for (const { logicalId, properties } of resources.values()) {
    problems.push(...checkReferences(properties, known, `Resources.${logicalId}`));
  }
  for (const [name, node] of template.outputs)
    problems.push(...checkReferences(node, known, `Outputs.${name}`));
  if (problems.length > 0) throw new TemplateError(template.file, problems);

  const order: ResourceDeclaration[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (resource: ResourceDeclaration, path: readonly string[]) => {
    const { logicalId } = resource;
    if (state.get(logicalId) === 'done') return;
    if (state.get(logicalId) === 'open') {
      const circle = [...path.slice(path.indexOf(logicalId)), logicalId].join(' → ');
      throw new TemplateError(template.file, [
        { message: `circular dependency: ${circle}`, at: resource.at },
      ]);
    }
    state.set(logicalId, 'open');
    const names = [...resource.dependsOn, ...listReferences(resource.properties).map(({ name }) => name)];
    for (const name of names) visit(resources.get(name) as ResourceDeclaration, [...path, logicalId]);
    state.set(logicalId, 'done');
    order.push(resource);
  };
  for (const resource of resources.values()) visit(resource, []);
  return order;
}
