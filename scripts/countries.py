#!/usr/bin/env python3
"""Writes configs/countries.csv (code,continent,names) from Unicode CLDR, Debian package unicode-cldr-core:

    scripts/countries.py /usr/share/unicode/cldr > configs/countries.csv

Continents are the UN's M49 regions as CLDR's territoryContainment gives them, the Americas cut in two: South America is
M49 005, North America the rest (northern and central America, the Caribbean). So Russia is in Europe; Turkey, Cyprus and
the Caucasus are in Asia. Antarctica and the far southern islands, which CLDR counts to Oceania's outlying regions, are
Antarctica. names: CLDR's English names, parted by semicolons.
"""
import csv
import sys
import xml.etree.ElementTree as xml

root = sys.argv[1] + "/common"
contains = {}
for group in xml.parse(root + "/supplemental/supplementalData.xml").getroot().find("territoryContainment"):
    if group.get("status") is None:
        contains.setdefault(group.get("type"), []).extend(group.get("contains").split())


def members(region):
    return [code for part in contains.get(region, []) for code in ([part] if part.isalpha() else members(part))]


continent = {}
for region, name in [("002", "Africa"), ("142", "Asia"), ("150", "Europe"), ("009", "Oceania"), ("019", "North America"),
                     ("005", "South America")]:
    for code in members(region):
        continent[code] = name
for code in ["AQ", "BV", "HM", "GS", "TF"]:
    continent[code] = "Antarctica"

names = {}
for territory in xml.parse(root + "/main/en.xml").getroot().iter("territory"):
    code = territory.get("type")
    if code in continent and territory.text not in names.setdefault(code, []):
        names[code].append(territory.text)

# Names that photo tables use (GeoNames, Nominatim, ISO 3166) and CLDR does not.
for code, more in {
    "BO": "Plurinational State of Bolivia", "BS": "The Bahamas", "CD": "Democratic Republic of the Congo",
    "CG": "Republic of the Congo;Congo", "CI": "Cote d'Ivoire;Côte d'Ivoire", "CN": "People's Republic of China",
    "CV": "Cabo Verde", "FM": "Federated States of Micronesia", "GB": "Great Britain;Britain",
    "GM": "The Gambia", "HK": "Hong Kong SAR", "IR": "Islamic Republic of Iran", "KP": "Democratic People's Republic of Korea",
    "KR": "Republic of Korea", "LA": "Lao People's Democratic Republic", "MD": "Republic of Moldova", "MK": "Macedonia",
    "MM": "Burma", "MO": "Macau", "NL": "The Netherlands", "PS": "State of Palestine", "RU": "Russian Federation",
    "SY": "Syrian Arab Republic", "SZ": "Swaziland", "TL": "East Timor", "TR": "Türkiye", "TZ": "United Republic of Tanzania",
    "US": "United States of America;USA", "VA": "Holy See", "VE": "Bolivarian Republic of Venezuela", "VN": "Viet Nam",
}.items():
    names[code].extend(name for name in more.split(";") if name not in names[code])

writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow(["code", "continent", "names"])
for code in sorted(names):
    if len(code) == 2 and code not in ("QO", "EU", "UN", "EZ"):
        writer.writerow([code, continent[code], ";".join(names[code])])
