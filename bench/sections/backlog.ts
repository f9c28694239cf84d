import type { Section } from './section.ts';
export const backlog: Section = async () => [];
