"""Chat templates rendered by transformers (its own Jinja environment): whole templates in the styles of
the model families over many conversations, and expressions, loops and white space one by one.

Writes jinja/chat.json ({templates: {name: text}, cases: [{template, variables, text}]}) and
jinja/language.json ([{template, variables, text}], text null where transformers raises).
The templates are written here, in each family's format; none is copied from a model.
"""
import argparse
import itertools
import json
import pathlib
import random

from transformers.utils.chat_template_utils import _compile_jinja_template

CHATML = """{%- if messages[0]['role'] == 'system' -%}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else -%}
    {{- '<|im_start|>system\\nBe brief and true.<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) or message.role == 'assistant' -%}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\\n' }}
{%- endif -%}
"""

# With a think block before the last answer, cut from earlier ones.
THINKING = """{%- set ns = namespace(last=0) -%}
{%- for message in messages -%}
    {%- if message.role == 'user' and not message.content.startswith('<tool>') -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for message in messages %}
    {%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}
    {%- if message.role == 'user' or message.role == 'system' %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set thought = '' %}
        {%- if '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or (not loop.last and thought)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""

LLAMA2 = """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must take turns') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"""

LLAMA3 = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "01 Jan 2025" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one call at a time") }}
        {%- endif %}
        {{- message.tool_calls[0].function | tojson }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

MISTRAL = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('after the optional system message, user and assistant take turns') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- if loop.first and system_message is defined %}
            {{- ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}
        {%- else %}
            {{- ' [INST] ' + message['content'] + ' [/INST]' }}
        {%- endif %}
    {%- else %}
        {{- ' ' + message['content'] + eos_token}}
    {%- endif %}
{%- endfor %}"""

GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must take turns') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '
' + message['content'] | trim + '<end_of_turn>
' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model
'}}{% endif %}"""

PHI3 = """{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>
' + message['content'] + '<|end|>
'}}{% elif message['role'] == 'user' %}{{'<|user|>
' + message['content'] + '<|end|>
'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>
' + message['content'] + '<|end|>
'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>
' }}{% else %}{{ eos_token }}{% endif %}"""

PHI4 = """{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|im_start|>system<|im_sep|>' + message['content'] + '<|im_end|>'}}{% elif (message['role'] == 'user') %}{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|><|im_start|>assistant<|im_sep|>'}}{% elif (message['role'] == 'assistant') %}{{message['content'] + '<|im_end|>'}}{% endif %}{% endfor %}"""

ZEPHYR = """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>
'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}"""

MACROS = """{%- macro turn(role, text, end='<|end|>') -%}
<|{{ role }}|>{{ text | replace('\\r\\n', '\\n') }}{{ end }}
{% endmacro -%}
{%- for m in messages if m.role != 'system' -%}
{{ turn(m.role, m.content) }}
{%- else -%}nobody spoke{%- endfor -%}
{%- if tools is defined and tools -%}
{% for tool in tools %}{{ tool | tojson(indent=2) }}{{ ", " if not loop.last }}{% endfor %}
{%- endif -%}"""

TEMPLATES = {
    "chatml": CHATML, "thinking": THINKING, "llama2": LLAMA2, "llama3": LLAMA3, "mistral": MISTRAL,
    "gemma": GEMMA, "phi3": PHI3, "phi4": PHI4, "zephyr": ZEPHYR, "macros": MACROS,
}

TEXTS = [
    "Who lives in Nether Wick?", "  spaces around \n", "Zwei\nZeilen", "{{ not a tag }} {% nor this %}",
    "Ünïcödé – „quotes“ 漢字 🙂", "tab\tand\r\nnewlines", "'single' and \"double\" \\ back", "",
    "<think>\nlet me see\n</think>\n\nForty-two.", "<|im_end|> inside", "a" * 50, "0", "None",
]

LANGUAGE = [
    "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 1 / 2 }} {{ 4 / 2 }}",
    "{{ 'a' ~ 1 ~ none ~ true }} {{ 'ab' * 3 }} {{ [1] * 2 + [3] }} {{ (1,) + (2, 3) }}",
    "{{ 1 < 2 }} {{ 'a' < 'b' }} {{ 2 >= 2.0 }} {{ 1 == 1.0 }} {{ 1 == true }} {{ 'a' != 'b' }}",
    "{{ not 1 }} {{ 1 and 0 }} {{ 0 or 'x' }} {{ 'a' in 'cat' }} {{ 4 not in [1, 2] }} {{ 'k' in {'k': 1} }}",
    "{{ 'yes' if 0 else 'no' }}|{{ 'yes' if 0 }}|{{ missing }}|{{ missing is defined }}",
    "{{ [1, 'two', 3.0, none, true, {'k': [1]}] }} {{ () }} {{ (1,) }}",
    "{{ 1.0 }} {{ 1.5e3 }} {{ 1e20 }} {{ 0.1 + 0.2 }} {{ 1_000 }} {{ 3.14 | round(1) }} {{ 2.5 | round }}",
    "{{ 'abcdef'[1:3] }} {{ 'abcdef'[::-1] }} {{ 'abc'[-1] }} {{ [1,2,3,4][::2] }} {{ [1,2,3][5:] }} {{ 'äöü'[1] }}",
    "{{ [1,2,3][-2:] }} {{ (1,2,3)[:-1] }} {{ [3,2,1][10] is defined }}",
    "{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{{ loop.index }}{{ loop.revindex0 }}{% if not loop.last %},{% endif %}{% endfor %}",
    "{% for x in [] %}x{% else %}none{% endfor %}{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}",
    "{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}={{ v }};{% endfor %}",
    "{% for i in range(6) if i is even %}{{ i }}{{ loop.length }}{% endfor %}{{ range(2, 9, 3) | list }}",
    "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(n=0, found=false) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns.found }}",
    "{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set c %}block {{ a }}{% endset %}{{ c | upper }}",
    "{% if 0 %}a{% elif 1 %}b{% else %}c{% endif %}{% if missing %}d{% endif %}",
    "{% macro f(x, y=2) %}[{{ x }},{{ y }}]{% endmacro %}{{ f(1) }}{{ f(1, y=3) }}{{ f(y=4, x=5) }}",
    "{% macro box() %}<{{ caller() }}>{% endmacro %}{% call box() %}inside{% endcall %}",
    "{% filter upper %}shout {{ 'it' }}{% endfilter %}",
    "{{ '  trim me ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ ' a '.strip() }}|{{ 'xax'.lstrip('x') }}|{{ 'xax'.rstrip('x') }}",
    "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ 'x\\ny\\r\\nz'.splitlines() }}",
    "{{ 'Hello'.startswith('He') }} {{ 'Hello'.endswith(('x', 'lo')) }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'banana'.replace('a', 'o', 2) }}",
    "{{ 'banana'.find('n') }} {{ 'banana'.rfind('n') }} {{ 'banana'.count('a') }} {{ '-'.join(['a', 'b']) }} {{ '12'.isdigit() }}",
    "{{ [1, 2, 3] | join(', ') }} {{ [{'n': 1}, {'n': 2}] | map(attribute='n') | list }} {{ ['a', 'b'] | map('upper') | join }}",
    "{{ [1, 0, 2] | select | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ [{'r': 'u', 'c': 1}, {'r': 'a', 'c': 2}] | selectattr('r', 'equalto', 'u') | map(attribute='c') | list }}",
    "{{ [{'c': 1}, {'d': 2}] | rejectattr('c') | list }} {{ [{'c': 1}, {'d': 2}] | selectattr('c', 'defined') | list }}",
    "{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ [3, 1] | sort(reverse=true) }} {{ ['a', 'A', 'b'] | unique | list }}",
    "{{ 'abc' | length }} {{ [1, 2] | count }} {{ 'äö' | length }} {{ {'a': 1} | length }} {{ 'abc' | first }}{{ 'abc' | last }}",
    "{{ missing | default('d') }} {{ '' | default('d') }}| {{ '' | default('d', true) }} {{ none | d('x') }}",
    "{{ '42' | int + 1 }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ 3.9 | int }} {{ -3 | abs }} {{ [1, 2] | sum }} {{ [3, 9, 2] | max }}{{ [3, 9, 2] | min }}",
    "{{ {'b': 1, 'a': [true, none, 1.5, 'ü\"\\n']} | tojson }}|{{ {'b': 1, 'a': {}} | tojson(indent=2) }}|{{ 'x' | tojson }}|{{ [] | tojson(indent=4) }}",
    "{{ 'a\\nb\\n\\nc' | indent(2) }}|{{ 'a\\nb' | indent(2, true) }}|{{ [1, 2, 3] | reverse | list }}{{ 'abc' | reverse }}",
    "{{ {'role': 'x'}.role }} {{ {'items': 3}['items'] }} {{ {'a': 1}.get('b', 'none') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.keys() | list }} {{ {'a': 1}.values() | list }}",
    "{{ 1 is number }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ [] is sequence }} {{ none is none }} {{ true is boolean }} {{ 1 is not none }} {{ 4 is divisibleby(2) }} {{ 4 is divisibleby 3 }}",
    "{{ 'a' is in ['a'] }} {{ 3 is eq 3 }} {{ 2 is odd }} {{ true is true }} {{ 1 is integer }} {{ 1.0 is float }}",
    "  {% if 1 %}\n  x\n  {% endif %}\n  y {# note #}\n\n{#- cut -#}\n z {{- 1 -}}  \n w",
    "a\n    {%+ if 1 %}b{% endif +%}\nc\n{% raw %}{{ raw }}\n{% endraw %}\nd\n",
    "line\r\n{% if true %}\r\nx\r\n{% endif %}\r\nend\r\n",
    "{{ \"it's\" }}{{ 'a\\tb\\u00e9\\x41\\\\' }}{{ 'a' 'b' }}",
    "{{ messages[0]['content'] }}{{ messages[0].content[1:] }}{{ messages | length }}{{ messages[-1]['role'] }}",
    "{{ (1 if true else 2) + 3 }} {{ [x if x else 'none' for x in []] if false else 'ok' }}",
    "{{ loop is defined }}{% for x in 'ab' %}{{ loop.previtem is defined }}{{ loop.cycle('x', 'y') }}{% endfor %}",
    "{% generation %}kept{% endgeneration %}",
    "{{ raise_exception('no') }}", "{{ missing.attribute }}", "{{ missing['x'] }}", "{{ 1 + 'a' }}",
    "{{ [1].append(2) }}", "{{ 'a' | nothing }}", "{{ 1 is nothing }}", "{% include 'x' %}", "{{ 1", "{% if 1 %}",
    "{{ 1 // 0 }}", "{% for a, b in [(1,)] %}{% endfor %}", "{{ range(1000000) }}",
    "{% set x = 5 %}{{ x is defined and x > 3 and x < 10 }}{{ not x is defined }}{{ -x }}{{ +x }}",
    "{{ 'A' if 'x' in {'x': none} else 'B' }}{{ {'x': none}.x is none }}{{ ({'a': {'b': 2}}).a.b }}",
    "{{ 'a%sb' }}{{ 10 % 4 }}{{ 2 * -3 }}{{ 'x' ~ -1 }}{{ 1 - -1 }}",
    "{{ [1,2,3] | map('string') | join('+') }}{{ ['1','2'] | map('int') | sum }}",
    "{% for m in messages %}{{ loop.index }}:{{ m.role[0] | upper }}{{ '|' if not loop.last else '' }}{% endfor %}",
]


def conversations() -> list:
    chooser = random.Random(7)
    result = []
    for turns, system in itertools.product((1, 2, 3, 4), (False, True)):
        for _ in range(3):
            messages = [{"role": "system", "content": chooser.choice(TEXTS)}] if system else []
            for turn in range(turns):
                role = "assistant" if turn % 2 else "user"
                messages.append({"role": role, "content": chooser.choice(TEXTS)})
            result.append(messages)
    return result


def render(template: str, variables: dict):
    try:
        return _compile_jinja_template(template).render(**variables)
    except Exception:  # noqa: BLE001: whatever it raises, the template gives no text
        return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "jinja"
    out.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, messages, prompt in itertools.product(TEMPLATES, conversations(), (False, True)):
        variables = {"messages": messages, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>"}
        if name == "thinking" and prompt:
            variables["enable_thinking"] = len(messages) % 2 == 0
        if name == "macros" and prompt:
            variables["tools"] = [{"name": "look", "parameters": {"x": [1, 2.5, None, "ü"]}}, {"name": "go", "empty": {}}]
        cases.append({"template": name, "variables": variables, "text": render(TEMPLATES[name], variables)})
    (out / "chat.json").write_text(json.dumps({"templates": TEMPLATES, "cases": cases}, ensure_ascii=False, indent=0))
    variables = {"messages": [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Yes"}]}
    language = [{"template": text, "variables": variables, "text": render(text, variables)} for text in LANGUAGE]
    (out / "language.json").write_text(json.dumps(language, ensure_ascii=False, indent=0))
    print(len(cases), len(language), sum(case["text"] is None for case in language))


if __name__ == "__main__":
    main()
