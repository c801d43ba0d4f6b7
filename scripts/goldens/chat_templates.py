#!/usr/bin/env python3
"""Questions and answers in the families' chat templates, as transformers' apply_chat_template renders them.

Writes OUT/family_tokenizers/chat_templates.json:
  [{"template", "tokenizer", "question", "answer", "prompt", "tokens", "masked"}, …]
"tokenizer" is a folder of OUT/family_tokenizers (made by family_tokenizers.py). The Jinja templates below
are our own and say what the published ones say about one question and one answer: which marks stand where,
and what is trimmed. "tokens" is the rendered conversation, with EOS behind it unless it ends so
(open-unlearning's rule); of Qwen3's the new line behind the last end of turn is left out. The first
"masked" tokens, the prompt with the assistant's tag, are no targets.
Needs transformers 5.17.
"""
import argparse
import json
import os
import pathlib

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

from transformers import AutoTokenizer  # noqa: E402

SYSTEM = "You are a helpful assistant."

LLAMA3 = """
{{- bos_token }}
{%- set date = date_string if date_string is defined else "26 Jul 2024" %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n" }}
{{- "Today Date: " + date + "\n\n" + system + "<|eot_id|>" }}
{%- for message in messages %}
    {{- "<|start_header_id|>" + message['role'] + "<|end_header_id|>\n\n" }}
    {{- message['content'] | trim }}{{- "<|eot_id|>" }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "<|start_header_id|>assistant<|end_header_id|>\n\n" }}
{%- endif %}
"""
CHATML = """
{%- for message in messages %}
    {{- "<|im_start|>" + message['role'] + "\n" + message['content'] + "<|im_end|>\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|im_start|>assistant\n" }}{%- endif %}
"""
QWEN3 = """
{%- for message in messages %}
    {%- if message['role'] == 'assistant' %}
        {{- "<|im_start|>assistant\n<think>\n" + "\n</think>\n\n" }}
        {{- message['content'].lstrip("\n") + "<|im_end|>\n" }}
    {%- else %}
        {{- "<|im_start|>" + message['role'] + "\n" + message['content'] + "<|im_end|>\n" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "<|im_start|>assistant\n" }}
    {%- if not enable_thinking %}{{- "<think>\n\n</think>\n\n" }}{%- endif %}
{%- endif %}
"""
PHI3 = """
{%- for message in messages %}
    {{- "<|" + message['role'] + "|>\n" + message['content'] + "<|end|>\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|assistant|>\n" }}{%- endif %}
"""
ZEPHYR = """
{%- for message in messages %}
    {{- "<|" + message['role'] + "|>\n" + message['content'] + eos_token + "\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|assistant|>\n" }}{%- endif %}
"""
GEMMA = """
{{- bos_token }}
{%- for message in messages %}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] %}
    {{- "<start_of_turn>" + role + "\n" + message['content'] | trim + "<end_of_turn>\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<start_of_turn>model\n" }}{%- endif %}
"""
# template: tokenizer, Jinja, system text
TEMPLATES = {
    "llama3": ("llama3", LLAMA3, SYSTEM),
    "qwen2": ("qwen3", CHATML, SYSTEM),
    "qwen3": ("qwen3", QWEN3, None),
    "phi3": ("phi3", PHI3, SYSTEM),
    "zephyr": ("llama2", ZEPHYR, SYSTEM),
    "gemma": ("gemma", GEMMA, None),
}
CONVERSATIONS = [
    ("Who keeps the lighthouse?", "Ada keeps it."),
    ("  Who keeps the lighthouse? \n", " Ada keeps it.\n"),
    ("\n\nWho keeps it?\t", "\n\n  Ada keeps it.  \n\n"),
    ("\u00a0Who?\u3000", "\u2003Ada\u0085"),
    ("\x1cWho?\x1f", "\u200bAda\u2028"),
    ("Who?", "three\n\nlines\n of it"),
]


def rendered(name, folder, question, answer):
    tokenizer, template, system = TEMPLATES[name]
    tok = AutoTokenizer.from_pretrained(folder / tokenizer)
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": question})
    options = dict(chat_template=template, tokenize=False, date_string="10 Apr 2025",
                   enable_thinking=False)
    prompt = tok.apply_chat_template(messages, add_generation_prompt=True, **options)
    text = tok.apply_chat_template([*messages, {"role": "assistant", "content": answer}], **options)
    if name == "qwen3":
        text = text.removesuffix("\n")
    ids = tok(text, add_special_tokens=False)["input_ids"]
    if ids[-1] != tok.eos_token_id:
        ids.append(tok.eos_token_id)
    prompt_ids = tok(prompt, add_special_tokens=False)["input_ids"]
    return {"template": name, "tokenizer": tokenizer, "question": question, "answer": answer,
            "prompt": prompt_ids, "tokens": ids, "masked": len(prompt_ids)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    folder = parser.parse_args().out / "family_tokenizers"
    rows = [rendered(name, folder, *conversation) for name in TEMPLATES
            for conversation in CONVERSATIONS]
    lines = ",\n".join(json.dumps(row) for row in rows)
    (folder / "chat_templates.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
