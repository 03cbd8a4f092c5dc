"""Which writing system a text is in, by Unicode ranges, and what its Chinese characters say of its language.

Input: a text, or a locale. Output: the ISO 15924 code of a script, a language, or None. Pure; the ranges are Unicode 15
blocks and cover what people type today, not every historic letter.
"""

from bisect import bisect_right
from collections import Counter
from functools import lru_cache

_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x005A, "Latn"),
    (0x0061, 0x007A, "Latn"),
    (0x00C0, 0x00D6, "Latn"),
    (0x00D8, 0x00F6, "Latn"),
    (0x00F8, 0x024F, "Latn"),
    (0x0370, 0x03FF, "Grek"),
    (0x0400, 0x052F, "Cyrl"),
    (0x0531, 0x0587, "Armn"),
    (0x05D0, 0x05F2, "Hebr"),
    (0x0620, 0x06D3, "Arab"),
    (0x06D5, 0x077F, "Arab"),
    (0x0900, 0x0963, "Deva"),
    (0x0970, 0x097F, "Deva"),
    (0x0980, 0x09FF, "Beng"),
    (0x0A00, 0x0A7F, "Guru"),
    (0x0A80, 0x0AFF, "Gujr"),
    (0x0B00, 0x0B7F, "Orya"),
    (0x0B80, 0x0BFF, "Taml"),
    (0x0C00, 0x0C7F, "Telu"),
    (0x0C80, 0x0CFF, "Knda"),
    (0x0D00, 0x0D7F, "Mlym"),
    (0x0D80, 0x0DFF, "Sinh"),
    (0x0E01, 0x0E3A, "Thai"),
    (0x0E40, 0x0E4E, "Thai"),
    (0x0E80, 0x0ECD, "Laoo"),
    (0x1000, 0x109F, "Mymr"),
    (0x10A0, 0x10FF, "Geor"),
    (0x1100, 0x11FF, "Hang"),
    (0x1200, 0x137F, "Ethi"),
    (0x1780, 0x17D3, "Khmr"),
    (0x1E00, 0x1EFF, "Latn"),
    (0x1F00, 0x1FFF, "Grek"),
    (0x3041, 0x3096, "Kana"),
    (0x30A1, 0x30FA, "Kana"),
    (0x3131, 0x318E, "Hang"),
    (0x31F0, 0x31FF, "Kana"),
    (0x3400, 0x4DBF, "Hani"),
    (0x4E00, 0x9FFF, "Hani"),
    (0xAC00, 0xD7A3, "Hang"),
    (0xF900, 0xFAFF, "Hani"),
    (0xFB50, 0xFDFF, "Arab"),
    (0xFE70, 0xFEFC, "Arab"),
    (0xFF66, 0xFF9D, "Kana"),
    (0x20000, 0x323AF, "Hani"),
)
_LATIN = frozenset({"Latn"})
_STARTS = [start for start, _, _ in _RANGES]

SCRIPT_LANGUAGE = {
    "Armn": "hy",
    "Ethi": "am",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Hani": "zh",
    "Hebr": "he",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
}
"""Scripts that today's texts in one language, nearly always, are written in."""


def _all_in(languages: str, *scripts: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(languages.split(), frozenset(scripts))


LANGUAGE_SCRIPTS: dict[str, frozenset[str]] = {
    **{language: frozenset({script}) for script, language in SCRIPT_LANGUAGE.items()},
    **_all_in("av ba be bg bxr ce cv krc kv ky lez mhr mk mrj myv os ru rue sah tg tt tyv uk xal", "Cyrl"),
    **_all_in("ar arz ary azb ckb fa lrc mzn pnb ps sd sdh ug ur uzs", "Arab"),
    **_all_in("bh bih dty gom hi mai mr ne new sa", "Deva"),
    **_all_in("as bn bpy", "Beng"),
    **_all_in("az bs crh kk mn sr tk uz", "Cyrl", "Latn"),
    **_all_in("ku", "Arab", "Latn"),
    **_all_in("wuu yue", "Hani"),
    **_all_in("bo dv dz grc hbo xmf yi"),
}
"""Scripts of languages; one that is not here is written in Latin letters. Those with no script are never answered:
theirs is not told here, or is nearly always another language's."""

LETTERS_PER_CHARACTER = {"Hani": 3, "Kana": 2, "Hang": 2}
"""How many letters of an alphabet one character of a script stands for; without it, one English name would outweigh a
Chinese sentence."""

MIN_KANA_SHARE = 0.1
"""Part of the Japanese or Chinese characters that must be kana for a text to be Japanese; Japanese prose has over half,
Chinese prose none but for the odd brand name."""

MIN_LETTERS = 3
"""Letters below which a text is too short to tell anything from; one Chinese character is as much."""

MIN_CHINESE_CHARACTERS = 8
"""Chinese characters without kana from which on a text is not Japanese, unless one of them says so; Japanese names and
headings without kana are seldom longer."""

_REGION_SCRIPT = {"CN": "Hans", "SG": "Hans", "MY": "Hans", "TW": "Hant", "HK": "Hant", "MO": "Hant"}

# Pairs of a simplified and a traditional character, the commonest of those where each is used in one orthography only.
_PAIRS = (
    "们們这這国國会會来來说說时時对對过過学學还還进進经經发發开開关關问問间間门門见見现現观觀觉覺话話语語词詞请請谢謝"
    "谁誰让讓认認识識记記计計设設许許论論议議证證评評该該诉訴试試详詳误誤读讀课課调調谈談书書车車东東马馬鸟鳥鱼魚龙龍"
    "风風飞飛长長张張场場报報块塊坏壞坚堅执執势勢动動劳勞务務办辦协協单單卖賣买買卫衛历歷厂廠厅廳压壓县縣双雙变變号號"
    "叶葉听聽启啟员員响響团團园園围圍图圖圆圓圣聖墙牆声聲处處备備复復头頭夺奪奖獎妇婦妈媽孙孫宁寧宝寶实實审審宽寬宾賓"
    "导導寻尋将將层層岁歲岛島币幣师師帮幫带帶广廣庆慶应應库庫废廢异異弃棄弹彈归歸当當录錄忆憶怀懷态態总總恶惡惊驚战戰"
    "户戶扩擴扫掃扬揚护護担擔拥擁择擇挥揮损損换換据據摄攝数數断斷无無旧舊显顯晓曉暂暫术術机機杀殺杂雜权權条條极極构構"
    "枪槍标標树樹样樣桥橋检檢楼樓欢歡欧歐残殘毕畢气氣汉漢汤湯没沒泪淚泽澤洁潔浅淺测測济濟浓濃润潤涨漲渐漸温溫湿濕满滿"
    "灭滅灯燈灵靈炉爐点點烂爛烦煩烧燒热熱爱愛爷爺独獨狮獅猎獵猪豬猫貓献獻环環电電画畫畅暢疗療疯瘋盖蓋盘盤监監盐鹽矿礦"
    "码碼确確礼禮祸禍离離种種积積称稱稳穩穷窮竞競笔筆简簡类類粮糧紧緊纪紀约約级級纯純纸紙线線练練组組细細织織终終结結给給"
    "络絡绝絕统統继繼绩績续續维維绿綠编編缘緣网網罗羅罚罰职職联聯肠腸胜勝脑腦脚腳脸臉艺藝节節苏蘇荣榮药藥虑慮虽雖蓝藍"
    "补補装裝规規视視览覽触觸订訂训訓访訪诗詩诚誠质質贝貝负負财財责責败敗货貨贫貧贵貴费費资資赏賞赛賽赢贏赶趕跃躍轮輪"
    "软軟轻輕较較辆輛输輸辑輯边邊达達迁遷运運远遠连連迟遲选選递遞邮郵释釋针針钟鐘钢鋼钱錢铁鐵银銀铜銅错錯锁鎖键鍵镇鎮"
    "镜鏡闭閉闹鬧闻聞阅閱队隊阳陽阴陰阵陣际際陆陸陈陳险險随隨难難雾霧静靜韩韓页頁顶頂项項顺順须須顾顧顿頓预預领領频頻"
    "题題颜顏额額饭飯饮飲饰飾馆館驾駕驻駐骂罵验驗骑騎鸡雞鸣鳴麦麥黄黃齐齊齿齒为為与與业業丝絲两兩严嚴个個临臨举舉义義"
    "乐樂习習乡鄉争爭亏虧亚亞产產亲親亿億仅僅从從仓倉仪儀价價众眾优優伟偉传傳伤傷伦倫伪偽体體侠俠侦偵侧側债債倾傾偿償"
    "儿兒兰蘭兴興养養兽獸军軍农農冲衝决決况況冻凍净淨减減凤鳳刘劉则則刚剛创創删刪剧劇剑劍劝勸华華卢盧吗嗎么麼约約"
)
SIMPLIFIED_ONLY = frozenset(_PAIRS[0::2])
TRADITIONAL_ONLY = frozenset(_PAIRS[1::2])


def dominant_script(text: str) -> str | None:
    """Return the ISO 15924 code of the script that most of a text is in; None for too few letters.

    Kana stands for Japanese, whose Chinese characters then count as Japanese too.
    """
    if text.isascii():
        return "Latn" if sum(map(str.isalpha, text)) >= MIN_LETTERS else None
    weights: Counter[str] = Counter()
    for character, count in Counter(text).items():
        script = _script(character)
        if script is not None:
            weights[script] += count * LETTERS_PER_CHARACTER.get(script, 1)
    if weights["Kana"] and weights["Kana"] >= MIN_KANA_SHARE * (weights["Kana"] + weights["Hani"]):
        weights["Kana"] += weights.pop("Hani", 0)
    if not weights:
        return None
    script, weight = max(weights.items(), key=lambda item: (item[1], item[0]))
    return script if weight >= MIN_LETTERS else None


def chinese_script(text: str) -> str | None:
    """Return Hans or Hant by the characters that only one of the two uses; None for a text that could be either."""
    simplified = sum(character in SIMPLIFIED_ONLY for character in text)
    traditional = sum(character in TRADITIONAL_ONLY for character in text)
    if simplified == traditional:
        return None
    return "Hans" if simplified > traditional else "Hant"


def han_language(text: str) -> str | None:
    """Return zh or ja for a text in Chinese characters without kana; None for one that is too short to tell.

    A character says that a text is Chinese if the Japanese standard JIS X 0208 lacks it, and that it is Japanese if
    that standard has it and neither of the Chinese GB 2312 and Big5 does.
    """
    homes = {_han_home(character) for character in set(text) if _script(character) == "Hani"}
    if "zh" in homes:
        return "zh"
    if "ja" in homes:
        return "ja"
    num_characters = sum(_script(character) == "Hani" for character in text)
    return "zh" if num_characters >= MIN_CHINESE_CHARACTERS else None


def locale_script(locale: str) -> str | None:
    """Return the script that a locale names, or that the region of a Chinese one implies; None where neither is so."""
    language, *subtags = locale.split("-")
    if subtags and len(subtags[0]) == 4:
        return subtags[0]
    return _REGION_SCRIPT.get(subtags[0]) if language == "zh" and subtags else None


def locale_scripts(locale: str) -> frozenset[str]:
    """Return the scripts that texts of a locale are in: the one that it names, or those of its language."""
    script = locale_script(locale)
    return frozenset({script}) if script else LANGUAGE_SCRIPTS.get(locale.partition("-")[0], _LATIN)


@lru_cache(maxsize=65_536)
def _han_home(character: str) -> str | None:
    """Return the one of zh and ja that alone writes a character; None if both do."""
    if not _encodable(character, "shift_jis"):
        return "zh"
    return None if _encodable(character, "gb2312") or _encodable(character, "big5") else "ja"


def _encodable(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=65_536)
def _script(character: str) -> str | None:
    code = ord(character)
    place = bisect_right(_STARTS, code) - 1
    return _RANGES[place][2] if place >= 0 and code <= _RANGES[place][1] else None
