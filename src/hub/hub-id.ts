/** A model on the Hugging Face hub, as people write it: `org/name`, `org/name@revision`, `org/name:Q4_0`, `org/name@revision:file.gguf`. */
export interface HubId {
  /** `org/name`. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** Which GGUF file of the repository: a part of its name; null for safetensors, or for the only GGUF file there is. */
  readonly file: string | null;
}

const SEGMENT = /^(?!.*(?:--|\.\.))[\w](?:[\w.-]{0,94}[\w])?$/u;
const REVISION = /^(?!.*\.\.)[\w][\w./-]{0,254}$/u;
const FILE = /^[\w.-]{1,200}$/u;

/** Reads an id; null when `text` is none. */
export function parseHubId(text: string): HubId | null {
  const match = /^([^@:]+)(?:@([^:]+))?(?::(.+))?$/u.exec(text);
  const [repository = "", revision = "main", file] = match?.slice(1) ?? [];
  const segments = repository.split("/");
  if (segments.length !== 2 || !segments.every((segment) => SEGMENT.test(segment))) return null;
  if (!REVISION.test(revision) || (file !== undefined && !FILE.test(file))) return null;
  return { repository, revision, file: file ?? null };
}
