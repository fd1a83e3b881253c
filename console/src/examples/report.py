"""A page with a script, shown in a frame that reaches no network."""

from html import escape

bars = {"Monday": 34, "Tuesday": 52, "Wednesday": 41, "Thursday": 67, "Friday": 58}
rows = "".join(
    f'<button style="--w:{value}%" value="{value}"><b>{escape(day)}</b></button>' for day, value in bars.items()
)
page = f"""<!doctype html><meta charset="utf-8"><title>Visitors</title>
<style>
  body {{ font: 15px/1.5 system-ui; margin: 1.5rem; color: #1c2b33; background: #fff; }}
  button {{ display: block; width: var(--w); margin: .35rem 0; padding: .5rem .8rem; border: 0; border-radius: 6px;
            background: #0e6f7c; color: #fff; font: inherit; text-align: left; cursor: pointer; }}
</style>
<h1>Visitors</h1>{rows}<p id="said">Press a bar.</p>
<script>
  document.body.onclick = (event) => {{
    const bar = event.target.closest("button");
    if (bar) document.getElementById("said").textContent = bar.textContent + ": " + bar.value + " visitors";
  }};
</script>"""

with open("visitors.html", "w") as file:
    file.write(page)
print("Wrote visitors.html")
