import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../util/atomic-file.ts";
import { pocketMerges } from "./merges.ts";
import { pocketFirstSpecialId, pocketSpecialTokens, pocketVocabulary } from "./vocabulary.ts";

/** Longest prompt and answer together; the generator's longest is far below. */
const maxLength = 256;

/** The regular expression of Qwen2's tokenizer.json, as the file spells it. */
const qwen2Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const chatTemplate =
  "{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|user|>' + message['content'] }}" +
  "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/** Writes tokenizer.json, tokenizer_config.json and generation_config.json of the pocket models as Hugging Face libraries read them. */
export function writePocketTokenizer(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, value: unknown): void => {
    writeFileAtomically(join(directory, name), `${JSON.stringify(value, null, 1)}\n`);
  };
  write("tokenizer.json", pocketTokenizerJson());
  write("tokenizer_config.json", pocketTokenizerConfig());
  write("generation_config.json", {
    do_sample: false,
    eos_token_id: pocketVocabulary.indexOf(pocketSpecialTokens.end),
    pad_token_id: pocketVocabulary.indexOf(pocketSpecialTokens.pad),
  });
}

function addedTokens() {
  return pocketVocabulary.slice(pocketFirstSpecialId).map((content, index) => ({
    id: pocketFirstSpecialId + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}

/** The content of tokenizer.json. */
export function pocketTokenizerJson() {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(),
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: qwen2Pattern }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(
        pocketVocabulary.slice(0, pocketFirstSpecialId).map((token, id) => [token, id]),
      ),
      merges: pocketMerges,
    },
  };
}

/** The content of tokenizer_config.json. */
export function pocketTokenizerConfig() {
  const added = addedTokens().map(({ id, ...token }) => [String(id), token] as const);
  return {
    tokenizer_class: "Qwen2Tokenizer",
    add_prefix_space: false,
    add_bos_token: false,
    added_tokens_decoder: Object.fromEntries(added),
    bos_token: null,
    eos_token: pocketSpecialTokens.end,
    pad_token: pocketSpecialTokens.pad,
    unk_token: null,
    clean_up_tokenization_spaces: false,
    split_special_tokens: false,
    errors: "replace",
    model_max_length: maxLength,
    chat_template: chatTemplate,
  };
}
