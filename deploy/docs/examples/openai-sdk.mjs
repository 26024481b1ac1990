/**
 * Chats with OpenAI's own SDK: `node openai-sdk.mjs [model] [question]`. OPENAI_BASE_URL and OPENAI_API_KEY say where: a provider, the fake one, or
 * Quartet, whose model `quartet` answers from the documents and passes any other on. Node 22 or later.
 */
import OpenAI from "openai";

const [model = "gpt-4o-mini", question = "How much time does a call without a deadline get?"] = process.argv.slice(2);
const client = new OpenAI();
const messages = [{ role: "user", content: question }];

const models = await client.models.list();
console.log(`models: ${models.data.map(({ id }) => id).join(", ")}`);

const { choices, usage } = await client.chat.completions.create({ model, messages });
console.log(`whole: ${choices[0].message.content}`);
console.log(`${usage.prompt_tokens} tokens in, ${usage.completion_tokens} out; ended by ${choices[0].finish_reason}`);

// Only Quartet has these: what the numbers in the text stand for.
for (const { number, title } of choices[0].message.citations ?? []) console.log(`[${number}] ${title}`);

const stream = await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
process.stdout.write("streamed: ");
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
process.stdout.write("\n");

try {
  await client.chat.completions.create({ model, messages: [] });
} catch (error) {
  if (!(error instanceof OpenAI.BadRequestError)) throw error;
  console.log(`refused with ${error.status}: ${error.message}`);
}
