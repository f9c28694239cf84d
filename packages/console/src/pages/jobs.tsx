/** Redrives and discards, the newest first. */
import { useQuery } from '@tanstack/react-query';
import { get, type Job } from '../api.ts';
import { JobProgress } from '../job-progress.tsx';
import { Empty, Loaded, Page, Section, To } from '../parts.tsx';

export default function JobsPage() {
  const jobs = useQuery({ queryKey: ['jobs'], queryFn: () => get<{ jobs: Job[] }>('jobs') });
  return (
    <Page
      title="Redrives"
      lead="Dead letters sent again or discarded: each survives a restart and counts exactly"
    >
      <Section>
        <Loaded query={jobs}>
          {({ jobs: rows }) =>
            rows.length === 0 ? (
              <Empty title="Nothing has been redriven yet">
                Start from the <To href="/dead-letters">dead letters</To>.
              </Empty>
            ) : (
              rows.map((job) => (
                <div key={job.jobId} style={{ borderBottom: '1px solid var(--line)' }}>
                  <JobProgress job={job} />
                </div>
              ))
            )
          }
        </Loaded>
      </Section>
    </Page>
  );
}
