"""The numbers by which states know a person: form, check, and words that say what they are.

Input: nothing. Output: a table for `polyloop.data.pii.national_id`. Forms and checks follow python-stdnum, which cites
the authorities' own documents; a number of mere digits whose check lets one in ten pass has words that must be near.
"""

from polyloop.data.pii.context import words
from polyloop.data.pii.numbers import Number, number

_ID = words("id|id no|id number|identity|identification|identity card|national id")
_SSN = words("ssn|social security|soc sec|seguro social|sozialversicherung|sécurité sociale|社会安全号|社保")

NUMBERS: tuple[Number, ...] = (
    number("cn-resident", None, r"[1-8][0-9]{5} ?(?:18|19|20)[0-9]{6} ?[0-9]{3}[0-9X]", "own:is_chinese_identity"),
    number(
        "it-codice-fiscale",
        None,
        r"[A-Z]{6}[ ]?[0-9LMNPQRSTUV]{2}[A-EHLMPRST][0-9LMNPQRSTUV]{2}[ ]?[A-Z][0-9LMNPQRSTUV]{3}[A-Z]",
        "it.codicefiscale",
    ),
    number("us-ssn", None, r"[0-9]{3}([ \-]?)[0-9]{2}\1[0-9]{4}", "us.ssn", _SSN),
    number("us-ssn-dashed", "en", r"[0-9]{3}-[0-9]{2}-[0-9]{4}", "us.ssn"),
    number("gb-nino", "en", r"[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", "own:is_british_insurance"),
    number("gb-nhs", "en", r"[0-9]{3}([ \-]?)[0-9]{3}\1[0-9]{4}", "gb.nhs", words("nhs")),
    number("ie-pps", "en", r"[0-9]{7}[A-W][A-IW]?", "ie.pps", words("pps|ppsn|personal public service")),
    number(
        "ca-sin",
        "en fr",
        r"[0-9]{3}([ \-]?)[0-9]{3}\1[0-9]{3}",
        "ca.sin",
        words("sin|social insurance|nas|assurance sociale"),
    ),
    number("za-id", "en af zu", r"[0-9]{6} ?[0-9]{4} ?[0-9]{3}", "za.idnr", _ID),
    number(
        "in-aadhaar",
        "en hi bn ta te mr gu kn ml pa ur",
        r"[2-9][0-9]{3}([ \-]?)[0-9]{4}\1[0-9]{4}",
        "in_.aadhaar",
        words("aadhaar|aadhar|adhaar|uid|uidai|आधार|আধার|ஆதார்|ఆధార్"),
        bare=r"[2-9][0-9]{3} [0-9]{4} [0-9]{4}",
    ),
    number("hk-identity", "zh en", r"[A-Z]{1,2}[0-9]{6} ?\([0-9A]\)", "own:is_hong_kong_identity"),
    number(
        "tw-identity",
        "zh",
        r"[A-Z][1289][0-9]{8}",
        "own:is_taiwan_identity",
        words("身分證|身份证|身份證|統一編號|居留證|证件|證件|id"),
        bare=r"[A-Z][1289][0-9]{8}",
    ),
    number(
        "jp-my-number", "ja", r"[0-9]{4}([ \-]?)[0-9]{4}\1[0-9]{4}", "jp.in_", words("マイナンバー|個人番号|my number")
    ),
    number("kr-resident", "ko", r"[0-9]{6}-[0-9]{7}", "own:is_korean_registration"),
    number(
        "es-dni",
        "es ca gl eu",
        r"[0-9]{8}[ \-]?[A-HJ-NP-TV-Z]|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}[ \-]?[A-HJ-NP-TV-Z]",
        "es.dni",
    ),
    number("es-nie", "es ca gl eu", r"[XYZ][ \-]?[0-9]{7}[ \-]?[A-HJ-NP-TV-Z]", "es.nie"),
    number("mx-curp", "es", r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[A-Z0-9][0-9]", "mx.curp"),
    number(
        "cl-rut",
        "es",
        r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9K]|[0-9]{7,8}-?[0-9K]",
        "cl.rut",
        words("rut|run|cédula"),
        bare=r"[0-9.]{9,10}-[0-9K]",
    ),
    number("ar-dni", "es", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}|[0-9]{7,8}", "ar.dni", words("dni|documento")),
    number("fr-nir", "fr", r"[1-478] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", "fr.nir"),
    number(
        "be-national",
        "nl fr de",
        r"[0-9]{2}[.]?[0-9]{2}[.]?[0-9]{2}[ \-]?[0-9]{3}[ .]?[0-9]{2}",
        "be.nn",
        words("rijksregister|registre national|nationalregister|insz|niss|numéro national"),
        bare=r"[0-9.]{8}-[0-9]{3}[.][0-9]{2}",
    ),
    number("ch-ahv", "de fr it rm en", r"756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}", "ch.ssn"),
    number(
        "at-insurance",
        "de",
        r"[0-9]{4} ?[0-9]{6}",
        "at.vnr",
        words("sozialversicherung|versicherungsnummer|sv-nr|svnr|sv-nummer"),
    ),
    number(
        "de-insurance",
        "de",
        r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}",
        None,
        words("rentenversicherung|sozialversicherung|versicherungsnummer|sv-nummer|rvnr|versichertennummer"),
    ),
    number(
        "de-identity-card",
        "de",
        r"[CFGHJKLMNPRTVWXYZ0-9]{9}[0-9]?",
        "own:is_document_number",
        words("personalausweis|ausweisnummer|ausweis-nr|perso"),
    ),
    number(
        "nl-bsn", "nl", r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}", "nl.bsn", words("bsn|burgerservicenummer|sofinummer")
    ),
    number("pl-pesel", "pl", r"[0-9]{11}", "pl.pesel"),
    number(
        "pt-citizen-card",
        "pt",
        r"[0-9]{8} ?[0-9] ?[A-Z0-9]{2}[0-9]",
        "pt.cc",
        words("cartão de cidadão|cc|cidadão|bilhete de identidade|bi"),
        bare=r"[0-9]{8} ?[0-9] ?[A-Z]{2}[0-9]",
    ),
    number(
        "br-cpf",
        "pt",
        r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}",
        "br.cpf",
        words("cpf|cadastro de pessoa"),
        bare=r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
    ),
    number(
        "se-person",
        "sv",
        r"(?:[0-9]{2})?[0-9]{6}[+\-]?[0-9]{4}",
        "se.personnummer",
        words("personnummer|pnr|samordningsnummer"),
        bare=r"[0-9]{6,8}[+\-][0-9]{4}",
    ),
    number("dk-cpr", "da", r"[0-9]{6}-?[0-9]{4}", "dk.cpr", words("cpr|personnummer"), bare=r"[0-9]{6}-[0-9]{4}"),
    number("no-birth", "no nb nn", r"[0-9]{6} ?[0-9]{5}", "no.fodselsnummer"),
    number("fi-person", "fi sv", r"[0-9]{6}[+\-A-FU-Y][0-9]{3}[0-9A-Y]", "fi.hetu"),
    number("is-kennitala", "is", r"[0-9]{6}-?[0-9]{4}", "is_.kennitala"),
    number(
        "cz-sk-birth", "cs sk", r"[0-9]{6}/?[0-9]{3,4}", "cz.rc", words("rodné číslo|rč|r.č"), bare=r"[0-9]{6}/[0-9]{4}"
    ),
    number("ro-cnp", "ro", r"[1-9][0-9]{12}", "ro.cnp"),
    number("bg-egn", "bg", r"[0-9]{10}", "bg.egn", words("егн|единен граждански")),
    number("gr-amka", "el", r"[0-9]{11}", "gr.amka"),
    number("hr-oib", "hr", r"[0-9]{11}", "hr.oib", words("oib")),
    number("si-emso", "sl sr hr bs mk", r"[0-9]{13}", "si.emso"),
    number("lt-ee-person", "lt et", r"[1-8][0-9]{10}", "ee.ik"),
    number("tr-identity", "tr", r"[1-9][0-9]{10}", "tr.tckimlik"),
    number("il-identity", "he", r"[0-9]{8}-?[0-9]", "il.idnr", words('ת.ז|תעודת זהות|מספר זהות|ת"ז')),
    number(
        "ru-snils",
        "ru",
        r"[0-9]{3}-[0-9]{3}-[0-9]{3}[ \-][0-9]{2}|[0-9]{11}",
        "own:is_russian_insurance",
        words("снилс|страховой номер"),
        bare=r"[0-9]{3}-[0-9]{3}-[0-9]{3}[ \-][0-9]{2}",
    ),
    number("th-identity", "th", r"[1-8]-?[0-9]{4}-?[0-9]{5}-?[0-9]{2}-?[0-9]", "th.pin"),
    number("id-nik", "id ms", r"[0-9]{16}", "id.nik"),
    number("my-nric", "ms en zh", r"[0-9]{6}-[0-9]{2}-[0-9]{4}", "my.nric"),
)
"""Country and name, languages, form, check, words that must be near, and the form that needs none."""
