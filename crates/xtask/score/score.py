#!/usr/bin/env python3
"""Scores the Summary Bot's offline engine against simple and well-known baselines.

    python score.py --bot PATH/TO/summary-bot DIR [--words 150] [--json]

DIR holds conversations with human summaries in the QMSum layout: JSON files with `meeting_transcripts`
(`speaker`, `content`) and `general_query_list` (`query`, `answer`). Each system gets the same transcript and the
same number of words; the table shows ROUGE F1 (stemming on), the mean over files. The exit code is 0 if the bot
is best by every measure, 1 if it is not, 2 if nothing could be scored.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

from rouge_score import rouge_scorer
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.lsa import LsaSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer

MEASURES = ("rouge1", "rouge2", "rougeL")
ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Hon|Prof|St|vs|etc|e\.g|i\.e)\.$")
WORD = re.compile(r"[^\W\d_][\w'’-]*")
STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being but by can could did do does
    doing don't down for from get go got had has have he her here him his how i i'm if in into is it it's its just
    know like me more my no not now of oh okay on one only or other our out over really right she should so some
    than that that's the their them then there these they they're thing think this those to too uh um up us very
    was we we're were what when where which who will with would yeah yes you you're your""".split()
)


def sentences_of(text):
    """Splits at . ! ? followed by a space and no lower-case letter, not after an abbreviation."""
    found, start = [], 0
    for match in re.finditer(r"[.!?]+[\"'”’)]*\s+(?![a-z])", text):
        piece = text[start : match.end()].strip()
        if ABBREVIATION.search(piece):
            continue
        if piece:
            found.append(piece)
        start = match.end()
    rest = text[start:].strip()
    return found + [rest] if rest else found


class WordTokenizer:
    """What sumy asks of a tokenizer, without the data files that its own one downloads."""

    language = "english"

    def to_sentences(self, text):
        return sentences_of(text)

    def to_words(self, text):
        return WORD.findall(text)


TOKENIZER = WordTokenizer()


def first_words(text, limit):
    return " ".join(text.split()[:limit])


def document(turns):
    paragraphs = []
    for turn in turns:
        found = [Sentence(s, TOKENIZER) for s in sentences_of(turn["content"])]
        found = [s for s in found if s.words]
        if found:
            paragraphs.append(Paragraph(found))
    return ObjectDocumentModel(paragraphs)


def by_rank(summarizer_type, turns, limit):
    """The best-ranked sentences that hold `limit` words, in the order of the conversation, cut at the limit."""
    def best_that_fit(ranked):
        """sumy hands the sentences best first; take them until the words are used up."""
        used, chosen = 0, []
        for info in ranked:
            if used >= limit:
                break
            used += len(str(info.sentence).split())
            chosen.append(info)
        return tuple(chosen)

    summarizer = summarizer_type(Stemmer("english"))
    summarizer.stop_words = STOP_WORDS
    return first_words(" ".join(str(s) for s in summarizer(document(turns), best_that_fit)), limit)


def longest_utterances(turns, limit):
    ranked = sorted(range(len(turns)), key=lambda i: (-len(turns[i]["content"].split()), i))
    chosen, used = [], 0
    for index in ranked:
        if used >= limit:
            break
        words = turns[index]["content"].split()[: limit - used]
        used += len(words)
        chosen.append((index, " ".join(words)))
    return " ".join(text for _, text in sorted(chosen))


def ours(bot, path, limit):
    command = [bot, "summarize", "--only-summary", "--words", str(limit), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"score: {path}: the bot ended with {result.returncode}: {result.stderr.strip()}")
    text = result.stdout.strip()
    if len(text.split()) > limit:
        sys.exit(f"score: {path}: the bot wrote {len(text.split())} words, {limit} were allowed")
    return text


def reference_of(data):
    queries = data.get("general_query_list") or []
    whole = [q for q in queries if re.search(r"summar", q.get("query", ""), re.I)] or queries
    return whole[0]["answer"] if whole else None


def systems(bot, words):
    return {
        "ours": lambda path, turns: ours(bot, path, words),
        "first-n-words": lambda path, turns: first_words(" ".join(t["content"] for t in turns), words),
        "longest-utterances": lambda path, turns: longest_utterances(turns, words),
        "lexrank": lambda path, turns: by_rank(LexRankSummarizer, turns, words),
        "textrank": lambda path, turns: by_rank(TextRankSummarizer, turns, words),
        "lsa": lambda path, turns: by_rank(LsaSummarizer, turns, words),
    }


def conversations(folder):
    for path in sorted(pathlib.Path(folder).glob("**/*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            print(f"score: skipped {path}: {error}", file=sys.stderr)
            continue
        if not isinstance(data, dict) or "meeting_transcripts" not in data:
            continue
        reference = reference_of(data)
        if reference:
            yield path, data["meeting_transcripts"], reference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder with conversations and their human summaries")
    parser.add_argument("--bot", required=True, help="the summary-bot binary")
    parser.add_argument("--words", type=int, default=150, help="words per summary (default 150)")
    parser.add_argument("--json", action="store_true", help="print JSON, with the scores of each file")
    parser.add_argument("--only", help="comma-separated systems (default: all)")
    options = parser.parse_args()

    scorer = rouge_scorer.RougeScorer(list(MEASURES), use_stemmer=True)
    contest = systems(options.bot, options.words)
    if options.only:
        contest = {name: contest[name] for name in options.only.split(",")}
    files, scores = [], {name: [] for name in contest}
    for path, turns, reference in conversations(options.folder):
        files.append(path.name)
        for name, system in contest.items():
            result = scorer.score(reference, system(path, turns))
            scores[name].append([result[m].fmeasure for m in MEASURES])
    if not files:
        print(f"score: no conversation with a human summary in {options.folder}", file=sys.stderr)
        return 2

    means = {name: [sum(row[i] for row in rows) / len(rows) for i in range(3)] for name, rows in scores.items()}
    best = all(
        means["ours"][i] > row[i] for name, row in means.items() if name != "ours" for i in range(3)
    ) if "ours" in means else False
    if options.json:
        per_file = {f: {n: dict(zip(MEASURES, scores[n][i])) for n in contest} for i, f in enumerate(files)}
        mean = {name: dict(zip(MEASURES, row)) for name, row in means.items()}
        print(json.dumps({"words": options.words, "mean": mean, "best": best, "files": per_file}, indent=2))
    else:
        print(f"ROUGE F1, mean over {len(files)} files, {options.words} words")
        print(f"{'system':<20}{'ROUGE-1':>9}{'ROUGE-2':>9}{'ROUGE-L':>9}")
        for name, row in means.items():
            print(f"{name:<20}" + "".join(f"{value:>9.4f}" for value in row))
        print("ours is best by every measure" if best else "ours is NOT best by every measure")
    return 0 if best else 1


if __name__ == "__main__":
    sys.exit(main())
