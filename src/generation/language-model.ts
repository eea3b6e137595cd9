import { loadModel, type Model, type ModelOptions } from "../models/model.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";

/** A model that can run, with its tokenizer: what completions are made with. */
export interface LanguageModel extends Model {
  readonly tokenizer: Tokenizer;
  /** Tokens that end a completion unless other ones are given. */
  readonly stopTokenIds: readonly number[];
}

/** Loads model and tokenizer of a directory. */
export async function loadLanguageModel(directory: string, options: ModelOptions): Promise<LanguageModel> {
  const tokenizer = loadTokenizer(directory);
  return withTokenizer(await loadModel(directory, options), tokenizer);
}

/** Gives a running model a tokenizer; disposing of the result disposes of the model. */
export function withTokenizer(model: Model, tokenizer: Tokenizer): LanguageModel {
  const stopTokenIds = [...new Set([...model.config.eosTokenIds, ...tokenizer.eosTokenIds])];
  return {
    ...model,
    tokenizer,
    stopTokenIds,
    [Symbol.asyncDispose]: async () => model[Symbol.asyncDispose](),
  };
}
